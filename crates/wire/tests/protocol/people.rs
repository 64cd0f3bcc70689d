//! What people send becomes what it says, and what is secret of it is in no answer.

use coulisse_types::{Command, KeyScheme, RejectCode};
use coulisse_wire::native::spec::find_route;
use coulisse_wire::native::{Body, Call, People, RequestError, parse_call, parse_request};

use crate::market::{table, text};

const SECRET: &str = "hunter2 hunter2";

fn said(error: &RequestError<'_>) -> String {
    let mut out = Vec::new();
    error.write(&mut out);
    String::from_utf8(out).expect("text")
}

/// The code that a request is refused with; nothing secret is in what it is told.
fn refused(request: &str) -> RejectCode {
    let table = table();
    let error = parse_request(request.as_bytes(), &table).expect_err(request);
    for word in ["hunter2", "eyJ"] {
        assert!(!said(&error).contains(word), "{request}: {}", said(&error));
    }
    error.code
}

fn people(request: &str) -> People {
    let table = table();
    match parse_request(request.as_bytes(), &table).map(|request| request.body) {
        Ok(Body::People(people)) => *people,
        other => panic!("{request}: {other:?}"),
    }
}

#[test]
fn a_password_is_read_with_its_escapes_and_never_printed() {
    let open = people(r#"{"op":"session.open","params":{"name":"ann","password":"p\u00e9\"x"}}"#);
    let People::Open { name, password } = &open else { panic!("{open:?}") };
    assert_eq!(
        (*name, password.as_bytes(), password.chars()),
        (text("ann"), "pé\"x".as_bytes(), 4)
    );
    assert!(!format!("{open:?}").contains("px") && format!("{open:?}").contains("Password(…)"));
    let token = people(r#"{"op":"session.logon","params":{"token":"eyJ.eyJ.x"}}"#);
    let People::Logon(text) = &token else { panic!("{token:?}") };
    assert_eq!(text.as_bytes(), b"eyJ.eyJ.x");
    assert!(!format!("{token:?}").contains("eyJ"));
}

#[test]
fn no_refusal_repeats_a_password_or_a_token_wherever_it_stands() {
    use RejectCode as C;
    let long = "hunter2".repeat(20);
    for (params, code) in [
        (format!(r#"{{"name":"ann","password":["{SECRET}"]}}"#), C::WrongType),
        (format!(r#"{{"name":"ann","pasword":"{SECRET}"}}"#), C::UnknownField),
        (format!(r#"{{"name":"ann","password":"{SECRET}\q"}}"#), C::BadJson),
        (
            format!(r#"{{"name":"ann","password":"{SECRET}","password":"{SECRET}"}}"#),
            C::DuplicateField,
        ),
        (format!(r#"{{"name":"ann","password":"{long}"}}"#), C::InvalidValue),
        (r#"{"name":"ann","password":""}"#.to_string(), C::InvalidValue),
        (format!(r#"{{"password":"{SECRET}"}}"#), C::MissingField),
    ] {
        let request = format!(r#"{{"op":"session.open","params":{params}}}"#);
        assert_eq!(refused(&request), code, "{request}");
    }
    for (params, code) in [
        (r#"{"token":"eyJ eyJ\u0020"}"#, C::InvalidValue),
        (r#"{"token":"eyJ","key_id":"ann"}"#, C::InvalidValue),
        (r#"{"token":7777}"#, C::WrongType),
        (r#"{"key_id":"ann"}"#, C::MissingField),
        ("{}", C::MissingField),
    ] {
        let request = format!(r#"{{"op":"session.logon","params":{params}}}"#);
        assert_eq!(refused(&request), code, "{request}");
    }
}

#[test]
fn a_password_is_read_in_a_body_and_in_no_query() {
    let route = find_route("POST", "/v1/sessions").expect("a route");
    let table = table();
    let query = format!("name=ann&password={}", SECRET.replace(' ', ""));
    let call = Call { op: route.op, named: route.named, query: &query, body: b"" };
    let error = parse_call(&call, &table).expect_err("a password in a query");
    assert_eq!(error.code, RejectCode::UnknownField);
    assert!(!said(&error).contains("hunter2"));
    let body = format!(r#"{{"name":"ann","password":"{SECRET}"}}"#);
    let call = Call { query: "", body: body.as_bytes(), ..call };
    assert!(matches!(parse_call(&call, &table).expect("good").body, Body::People(_)));
}

#[test]
fn a_key_has_a_password_where_its_scheme_says_so_and_nowhere_else() {
    let table = table();
    let create = |rest: &str| {
        format!(
            r#"{{"op":"key.create","params":{{"key_id":"ann","permissions":["read"],{rest}}}}}"#
        )
    };
    let good = create(r#""scheme":"password","password":"hunter2 hunter2""#);
    let request = parse_request(good.as_bytes(), &table).expect("good");
    let Body::Admin(admin) = request.body else { panic!("an operator's") };
    let Command::KeyIssue(issue) = admin.command else { panic!("a key") };
    assert_eq!((issue.scheme, issue.material.is_empty()), (KeyScheme::Password, true));
    assert_eq!(admin.password.expect("given").as_bytes(), SECRET.as_bytes());
    let missing = create(r#""scheme":"password""#);
    assert_eq!(refused(&missing), RejectCode::MissingField);
    let of_another = create(r#""scheme":"hmac_sha256","password":"hunter2 hunter2""#);
    assert_eq!(refused(&of_another), RejectCode::InvalidValue);
}
