//! What can go wrong in the service, in its client, and around them.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why the service could not start, a request was refused, or the load was given up.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The folder of the database can't be made or removed.
    Folder(io::Error),
    /// A thread or the runtime can't be started.
    Runtime(io::Error),
    /// The address can't be listened on.
    Bind(SocketAddr, io::Error),
    /// The database failed.
    Store(sqlx::Error),
    /// A task of the service panicked or was stopped.
    Task(tokio::task::JoinError),
    /// There is no such order, customer, product, category or day.
    NotFound,
    /// Fewer pieces are left than were asked for.
    SoldOut,
    /// A service elsewhere refused.
    Refused(&'static str),
    /// Nobody reads the events any more.
    NotifierGone,
    /// The client can't reach the service.
    Connect(SocketAddr, io::Error),
    /// A connection of the client broke.
    Http(hyper::Error),
    /// The service answered a request of the client with an error.
    Status {
        /// What was asked for.
        path: String,
        /// What was answered.
        status: u16,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(_) => f.write_str("can't make or remove the folder of the database"),
            Self::Runtime(_) => f.write_str("can't start the runtime"),
            Self::Bind(address, _) => {
                write!(f, "can't listen on {address}; is another program there already?")
            }
            Self::Store(_) => f.write_str("the database failed"),
            Self::Task(_) => f.write_str("a task of the service ended early"),
            Self::NotFound => f.write_str("there is nothing under this number"),
            Self::SoldOut => f.write_str("fewer pieces are left than were asked for"),
            Self::Refused(why) => f.write_str(why),
            Self::NotifierGone => f.write_str("nobody reads the events any more"),
            Self::Connect(address, _) => write!(f, "can't connect to {address}"),
            Self::Http(_) => f.write_str("a connection of the client broke"),
            Self::Status { path, status } => write!(f, "{path} was answered with status {status}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(source)
            | Self::Runtime(source)
            | Self::Bind(_, source)
            | Self::Connect(_, source) => Some(source),
            Self::Store(source) => Some(source),
            Self::Task(source) => Some(source),
            Self::Http(source) => Some(source),
            Self::NotFound
            | Self::SoldOut
            | Self::Refused(_)
            | Self::NotifierGone
            | Self::Status { .. } => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

impl From<hyper::Error> for Error {
    fn from(error: hyper::Error) -> Self {
        Self::Http(error)
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Task(error)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::SoldOut | Self::Refused(_) => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.to_string()).into_response()
    }
}
