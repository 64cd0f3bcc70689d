"""docs/operating/new-machine.md, typed into a machine of its own: namespaces of this one."""
