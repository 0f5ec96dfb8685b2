//! A client that loads the service by HTTP: some connections, each with one request at a time.
//!
//! It isn't measured: it stands for the people out there.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::mix::Request;
use crate::tally::Tally;

/// When the client stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After so many requests.
    Requests(u64),
    /// After so long.
    Elapsed(Duration),
}

/// A connection to the service.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Opens one. Works in a runtime.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self, Error> {
        let connect = |error| Error::Connect(address, error);
        let stream = TcpStream::connect(address).await.map_err(connect)?;
        stream.set_nodelay(true).map_err(connect)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // What goes wrong in it is told to the sender as well.
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string() })
    }

    /// The status and the body that a request is answered with.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    ///
    /// # Panics
    ///
    /// When the path of the request is none.
    pub async fn ask(&mut self, request: &Request) -> Result<(StatusCode, Bytes), Error> {
        let method = if request.body.is_some() { Method::POST } else { Method::GET };
        let body = Bytes::from(request.body.clone().unwrap_or_default());
        let request = hyper::Request::builder()
            .method(method)
            .uri(&request.path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .expect("paths of the mix are valid");
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// Asks one request after the other on each of so many connections; what was measured, and how
/// long it took altogether. Works in a runtime.
///
/// # Errors
///
/// When a connection breaks, or a request is not answered with success.
pub async fn load(
    address: SocketAddr,
    connections: usize,
    until: Until,
) -> Result<(Tally, Duration), Error> {
    let next = Arc::new(AtomicU64::new(0));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for _ in 0..connections {
        let (next, tally) = (next.clone(), tally.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let is_over = match until {
                    Until::Requests(requests) => number >= requests,
                    Until::Elapsed(time) => start.elapsed() >= time,
                };
                if is_over {
                    return Ok(());
                }
                let request = Request::of(number);
                let asked = Instant::now();
                let (status, _) = connection.ask(&request).await?;
                let took = asked.elapsed();
                if !status.is_success() {
                    return Err(Error::Status { path: request.path, status: status.as_u16() });
                }
                tally.lock().unwrap_or_else(PoisonError::into_inner).add(request.route, took);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let took = start.elapsed();
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((tally, took))
}
