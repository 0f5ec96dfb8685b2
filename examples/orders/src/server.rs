//! The service on an address, with its database in a folder that it makes and removes.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::app::{self, App};
use crate::error::Error;
use crate::fix::Fixes;
use crate::notifier::Letters;

/// A service that answers.
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    task: JoinHandle<()>,
    folder: TempDir,
}

impl Server {
    /// Makes the database and listens on `address`; port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// When the address is taken, or the database can't be made.
    pub async fn start(address: SocketAddr, fixes: Fixes) -> Result<Self, Error> {
        let bind = |error| Error::Bind(address, error);
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let folder = tempfile::Builder::new().prefix("orders-").tempdir().map_err(Error::Folder)?;
        let app = Arc::new(App::open(folder.path(), fixes).await?);
        let router = app::router(app.clone());
        let listener = listener.tap_io(|stream| {
            // An answer that is a millisecond late is better than none.
            let _ = stream.set_nodelay(true);
        });
        let task = tokio::spawn(async move {
            // It ends by being stopped, never by itself.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, app, task, folder })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Letters written until now, and those of them that were sent.
    pub fn letters(&self) -> Letters {
        self.app.notifier.letters()
    }

    /// Labels printed until now.
    pub fn labels(&self) -> u64 {
        self.app.printer.printed()
    }

    /// Ends it, and removes the database. Letters that wait are not sent.
    ///
    /// # Errors
    ///
    /// When the folder can't be removed.
    pub async fn stop(self) -> Result<(), Error> {
        self.task.abort();
        self.app.store.close().await;
        self.folder.close().map_err(Error::Folder)
    }
}
