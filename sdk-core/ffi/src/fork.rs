//! Forks of the host process: a host that forks calls [`before`] and [`after`] around it, on the thread that forks.

/// Waits until no journal is at work and no log record is on its way, and keeps it so until [`after`].
pub fn before() {
    gladhand::fork::before();
    crate::logs::hold();
}

/// Goes on, in the parent and in the child. The child hears its own log alone.
pub fn after() {
    crate::logs::let_go();
    gladhand::fork::after();
}
