//! `coulisse-bench floor`: a bare epoll server, the least that any server must do for this load.
//!
//! The same upgrade, frames and request parser as the gateway, against one fixed instrument, and an
//! acknowledgement of the same size; no engine, no journal, no session, no Python.
//!
//! With `--group-commit DIR` each request is also written to a file there, and its acknowledgement waits
//! until the group that holds it is synced (`--durability os`: written): see [`commit`].

mod commit;

use self::commit::{Durability, GroupCommit};
use crate::args::Args;
use crate::json::Object;
use crate::socket::{EVENTS_MAX, READ_BYTES, Socket};
use crate::{Failure, failure};
use coulisse_gateway::deflate::Offer;
use coulisse_gateway::frame::{Opcode, Role, begin_frame};
use coulisse_gateway::held::Held;
use coulisse_gateway::http::{HeadReader, ReadStep};
use coulisse_gateway::times::Times;
use coulisse_gateway::upgrade::accept;
use coulisse_types::event::{AssetCreated, InstrumentCreated};
use coulisse_types::{
    AccountName, Amount, AssetId, AssetName, Event, FeeRate, InstrumentId, Qty, Symbol,
};
use coulisse_wire::instruments::InstrumentTable;
use coulisse_wire::native::answers::{self, Answer, LoggedOn};
use coulisse_wire::native::reply::{self, Stamps};
use coulisse_wire::native::{Body, Request, parse_request};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;

/// Most peers at a time.
const PEERS_MAX: usize = 1_024;
/// The listener's token: no peer has it.
const LISTENER: u64 = u64::MAX;
/// The token of what says that more is durable.
const MOVED: u64 = u64::MAX - 1;
/// What follows a request's id in every acknowledgement: as long as that of an order that rests.
const ACK_TAIL: &[u8] = br#","ok":true,"result":{"order_id":"881234","client_order_id":"881234","state":"open","filled":"0.00000","seq":1881234,"t_in":1795000000000000,"t_log":1795000000000000,"t_out":1795000000000000}}"#;

/// A peer before or after its upgrade.
enum Peer {
    Greeting(TcpStream, HeadReader),
    Session(Session),
}

struct Session {
    socket: Socket,
    /// Acknowledgements that wait for the file.
    held: Held,
}

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    peers: Vec<Option<Peer>>,
    table: InstrumentTable,
    buffer: Vec<u8>,
    commit: Option<GroupCommit>,
    /// Something was put into the file's queue in this turn.
    has_gathered: bool,
}

/// Serves until it is killed. The first line on stdout says where.
///
/// # Errors
/// A flag means nothing, or the port is taken.
pub fn run(mut args: Args) -> Result<(), Failure> {
    let host: String = args.value("--host")?.unwrap_or_else(|| "127.0.0.1".to_owned());
    let port: u16 = args.value("--port")?.unwrap_or(0);
    let directory: Option<PathBuf> = args.value("--group-commit")?;
    let durability = match args.value::<String>("--durability")?.as_deref() {
        None | Some("fsync") => Durability::Fsync,
        Some("os") => Durability::Os,
        Some(other) => return failure(format!("--durability is fsync or os, not {other:?}")),
    };
    args.end()?;
    let commit =
        directory.map(|directory| GroupCommit::start(&directory, durability)).transpose()?;
    let listener = TcpListener::bind((host.as_str(), port))
        .map_err(|error| Failure(format!("{host}:{port}: {error}")))?;
    let port = listener.local_addr()?.port();
    listener.set_nonblocking(true)?;
    let mut server = Server {
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        listener,
        peers: Vec::new(),
        table: instruments(),
        buffer: vec![0; READ_BYTES],
        commit,
        has_gathered: false,
    };
    if let Some(commit) = &server.commit {
        let data = EventData::new_u64(MOVED);
        epoll::add(&server.epoll, commit.moved(), data, EventFlags::IN)?;
    }
    let (listener, data) = (server.listener.as_fd(), EventData::new_u64(LISTENER));
    epoll::add(&server.epoll, listener, data, EventFlags::IN)?;
    println!("{}", Object::new().plain("ready", true).plain("port", port).finish());
    std::io::stdout().flush()?;
    loop {
        server.turn()?;
    }
}

/// The one instrument: BTC-USD with ticks of 0.01 and lots of 0.00001.
fn instruments() -> InstrumentTable {
    let mut table = InstrumentTable::new();
    for (id, name) in [(1, "BTC"), (2, "USD")] {
        let name = AssetName::new(name.as_bytes()).unwrap_or_default();
        table.apply(&Event::AssetCreated(AssetCreated { asset: AssetId(id), name, scale: 8 }));
    }
    table.apply(&Event::InstrumentCreated(InstrumentCreated {
        instrument: InstrumentId(1),
        symbol: Symbol::new(b"BTC-USD").unwrap_or_default(),
        base: AssetId(1),
        quote: AssetId(2),
        tick_minor: 1_000_000,
        lot_minor: 1_000,
        min_qty: Qty::from_lots(1),
        max_qty: Qty::from_lots(1_000_000_000),
        min_notional: Amount::ZERO,
        maker_fee: FeeRate::from_ppm(200),
        taker_fee: FeeRate::from_ppm(500),
    }));
    table
}

impl Server {
    /// Blocks until something comes, and deals with it.
    fn turn(&mut self) -> Result<(), Failure> {
        let mut events = [const { std::mem::MaybeUninit::uninit() }; EVENTS_MAX];
        let (events, _) = match epoll::wait(&self.epoll, &mut events, None) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            result => result?,
        };
        for event in events {
            let (token, flags) = (event.data.u64(), event.flags);
            if token == LISTENER {
                self.accept()?;
            } else if token == MOVED {
                self.let_out()?;
            } else if let Ok(place) = usize::try_from(token) {
                self.serve(place, flags);
            }
        }
        if let Some(commit) = self.commit.as_ref().filter(|_| self.has_gathered) {
            commit.gather();
        }
        self.has_gathered = false;
        Ok(())
    }

    /// Sends what waited for the file and waits no longer.
    fn let_out(&mut self) -> Result<(), Failure> {
        let Some(commit) = &self.commit else { return Ok(()) };
        commit.acknowledge();
        let durable = commit.durable();
        let mut times = Times::default();
        for peer in &mut self.peers {
            if let Some(Peer::Session(session)) = peer
                && !session.held.is_empty()
            {
                let out = &mut session.socket.out;
                session.held.release(durable, 0, &mut times, |bytes| out.extend_from_slice(bytes));
                session.socket.flush(&self.epoll)?;
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<(), Failure> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                let free = self.peers.iter().position(Option::is_none);
                let place = free.unwrap_or(self.peers.len());
                if place == PEERS_MAX {
                    return failure("too many peers");
                }
                let token = u64::try_from(place).unwrap_or(LISTENER);
                let data = EventData::new_u64(token);
                epoll::add(&self.epoll, stream.as_fd(), data, EventFlags::IN)?;
                if place == self.peers.len() {
                    self.peers.push(None);
                }
                self.peers[place] = Some(Peer::Greeting(stream, HeadReader::new()));
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Serves one peer; one that fails is dropped, which closes it.
    fn serve(&mut self, place: usize, flags: EventFlags) {
        let next = match self.peers[place].take() {
            Some(Peer::Greeting(stream, head)) => self.greet(place, stream, head),
            Some(Peer::Session(session)) => self.session(session, flags),
            None => Ok(None),
        };
        self.peers[place] = next.unwrap_or_default();
    }

    fn greet(
        &mut self,
        place: usize,
        mut stream: TcpStream,
        mut head: HeadReader,
    ) -> Result<Option<Peer>, Failure> {
        let count = match stream.read(&mut self.buffer) {
            Ok(0) => return Ok(None),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        let (response, mut rest) = match head.feed(&self.buffer[..count]) {
            ReadStep::NeedMore => return Ok(Some(Peer::Greeting(stream, head))),
            ReadStep::Fault(fault) => return failure(format!("bad head: {fault:?}")),
            ReadStep::Arrived(arrived) => {
                let response = accept(&arrived.head, None, Offer::None);
                (response.map_err(|fault| Failure(fault.to_string()))?, arrived.rest().to_vec())
            }
        };
        stream.write_all(&response)?;
        epoll::delete(&self.epoll, stream.as_fd())?;
        let token = u64::try_from(place).unwrap_or(LISTENER);
        let mut socket = Socket::register(&self.epoll, stream, Role::Server, token)?;
        let hello = begin_frame(&mut socket.out, Opcode::Text);
        reply::write_hello(&mut socket.out, &[0; 16], "floor", "n0", 0);
        hello.finish(&mut socket.out);
        let (table, mut out) = (&self.table, std::mem::take(&mut socket.out));
        socket.feed(&mut rest, |text| answer(&mut out, text, table))?;
        socket.out = out;
        socket.flush(&self.epoll)?;
        Ok(Some(Peer::Session(Session { socket, held: Held::default() })))
    }

    fn session(&mut self, session: Session, flags: EventFlags) -> Result<Option<Peer>, Failure> {
        let Session { mut socket, mut held } = session;
        if flags.contains(EventFlags::OUT) {
            socket.flush(&self.epoll)?;
        }
        let (table, mut out) = (&self.table, std::mem::take(&mut socket.out));
        let (commit, mut failed) = (self.commit.as_ref(), Ok(()));
        let mut gathered = false;
        let is_open = socket.read(&mut self.buffer, |text| match commit {
            None => answer(&mut out, text, table),
            Some(commit) => {
                answer(held.buffer(), text, table);
                match commit.append(text.as_bytes()) {
                    Ok(number) => held.mark(number),
                    Err(error) => failed = Err(error),
                }
                gathered = true;
            }
        })?;
        failed?;
        self.has_gathered |= gathered;
        socket.out = out;
        socket.flush(&self.epoll)?;
        Ok(is_open.then_some(Peer::Session(Session { socket, held })))
    }
}

fn answer_to<'a>(request: &Request<'a>) -> Answer<'a> {
    Answer { id_raw: request.id_raw, op: request.op, weight: 1, stamps: Stamps::default() }
}

/// Appends the frame that answers one request.
fn answer(out: &mut Vec<u8>, text: &str, table: &InstrumentTable) {
    let frame = begin_frame(out, Opcode::Text);
    match parse_request(text.as_bytes(), table) {
        Err(error) => error.write(out),
        Ok(request) => match &request.body {
            Body::Logon { key_id, .. } => {
                let account = AccountName::new(b"anyone").unwrap_or_default();
                let who = LoggedOn { account, key_id: *key_id, permissions: 0 };
                answers::write_logged_on(out, &answer_to(&request), &who);
            }
            Body::Command { .. } => {
                out.extend_from_slice(b"{\"id\":");
                out.extend_from_slice(request.id_raw);
                out.extend_from_slice(ACK_TAIL);
            }
            _ => answers::write_done(out, &answer_to(&request)),
        },
    }
    frame.finish(out);
}
