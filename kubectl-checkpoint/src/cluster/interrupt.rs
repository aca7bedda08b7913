//! Signals that ask the program to end.

use std::io;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Listens for SIGINT, SIGTERM and SIGHUP from the moment it is made, or for
/// somebody in this program.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: Option<[(tokio::signal::unix::Signal, &'static str); 3]>,
    asked: Option<UnboundedReceiver<&'static str>>,
}

/// Asks work in this program to end; a second time to leave its clean-up, too.
#[derive(Clone, Debug)]
pub(crate) struct Stop(UnboundedSender<&'static str>);

impl Stop {
    /// `by` is what the messages name.
    pub(crate) fn ask(&self, by: &'static str) {
        // Work that has ended needs not be asked.
        let _ = self.0.send(by);
    }
}

impl Interrupts {
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            signals: Some([
                (signal(SignalKind::interrupt())?, "SIGINT"),
                (signal(SignalKind::terminate())?, "SIGTERM"),
                (signal(SignalKind::hangup())?, "SIGHUP"),
            ]),
            asked: None,
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { asked: None })
    }

    /// Listens to whoever holds the other end, and to no signal.
    pub(crate) fn by_asking() -> (Stop, Self) {
        let (sender, asked) = unbounded_channel();
        let listening = Self {
            #[cfg(unix)]
            signals: None,
            asked: Some(asked),
        };
        (Stop(sender), listening)
    }

    /// Waits for whoever may ask; for ever once nobody can.
    async fn asked(asked: &mut UnboundedReceiver<&'static str>) -> &'static str {
        match asked.recv().await {
            Some(by) => by,
            None => std::future::pending().await,
        }
    }

    /// Waits for the next signal and names it.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> &'static str {
        if let Some(asked) = &mut self.asked {
            return Self::asked(asked).await;
        }
        let Some([(interrupt, a), (terminate, b), (hangup, c)]) = &mut self.signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => a,
            _ = terminate.recv() => b,
            _ = hangup.recv() => c,
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> &'static str {
        if let Some(asked) = &mut self.asked {
            return Self::asked(asked).await;
        }
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}
