//! Every variant answers the same, in the process and on the command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output, Stdio};

use hyper::StatusCode;
use hyper::body::Bytes;
use orders::client::{self, Connection, Until};
use orders::fix::{Fix, Fixes};
use orders::mix::{Request, Route};
use orders::server::Server;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn orders(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orders"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("orders starts")
}

fn get(path: &str) -> Request {
    Request { route: Route::History, path: path.to_owned(), body: None }
}

/// What the first requests of the mix are answered with.
async fn answers(fixes: Fixes) -> Vec<Bytes> {
    let server = Server::start(ANY, fixes).await.expect("it starts");
    let mut connection = Connection::open(server.address()).await.expect("it answers");
    let mut answers = Vec::new();
    for number in 0..60 {
        let request = Request::of(number);
        let (status, body) = connection.ask(&request).await.expect("it answers");
        assert_eq!(status, StatusCode::OK, "{request:?}");
        answers.push(body);
    }
    let letters = server.letters();
    assert_eq!(letters.written, 24, "quotes, reservations and labels");
    assert!(letters.sent <= letters.written);
    assert_eq!(server.labels(), 6);
    server.stop().await.expect("it stops");
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_variant_answers_the_same() {
    let slow = answers(Fixes::default()).await;
    assert!(slow.iter().all(|answer| answer.len() > 10));
    let single = Fix::ALL.map(|fix| (fix.name(), Fixes::from_iter([fix])));
    for (name, fixes) in single.into_iter().chain([("all", Fixes::all())]) {
        assert_eq!(answers(fixes).await, slow, "--fix {name} answers something else");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_said() {
    for fixes in [Fixes::default(), Fixes::all()] {
        let server = Server::start(ANY, fixes).await.expect("it starts");
        let mut connection = Connection::open(server.address()).await.expect("it answers");
        for path in [
            "/customers/0/orders",
            "/orders/10001/quote",
            "/categories/5/offers/1",
            "/categories/1/offers/251",
            "/trending/21",
            "/trending/18446744073709551615",
            "/nothing",
        ] {
            let (status, _) = connection.ask(&get(path)).await.expect("it answers");
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        }
        let wanted = |product: u32, pieces: u32| Request {
            route: Route::Stock,
            path: format!("/products/{product}/reservations"),
            body: Some(format!("{{\"pieces\":{pieces}}}")),
        };
        for (request, expected) in [
            (wanted(2_001, 1), StatusCode::NOT_FOUND),
            (wanted(1, 100_000_001), StatusCode::CONFLICT),
            // The warehouse refuses, and the pieces are there as before.
            (wanted(1, 100_000_000), StatusCode::CONFLICT),
            (wanted(1, 100_000_000), StatusCode::CONFLICT),
            (wanted(1, 1_000), StatusCode::OK),
        ] {
            let (status, body) = connection.ask(&request).await.expect("it answers");
            assert_eq!(status, expected, "{request:?}: {body:?}");
        }
        server.stop().await.expect("it stops");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_wait_only_where_nothing_bounds_them() {
    for (fixes, most) in [(Fixes::default(), usize::MAX), (Fixes::all(), 256 + 64)] {
        let server = Server::start(ANY, fixes).await.expect("it starts");
        let (tally, _) =
            client::load(server.address(), 8, Until::Requests(2_000)).await.expect("it answers");
        assert_eq!(tally.requests(), 2_000);
        let letters = server.letters();
        assert_eq!(letters.written, 800);
        assert!(letters.written - letters.sent <= most, "{letters:?}");
        server.stop().await.expect("it stops");
    }
}

#[test]
fn the_summary_says_what_was_measured() {
    let output = orders(&["--requests", "400", "--connections", "4", "--fix", "all"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("it prints UTF-8");
    let history = text.lines().find(|line| line.starts_with("history")).expect("a row");
    assert_eq!(history.split_whitespace().nth(1), Some("140"));
    let last = text.lines().last().expect("a last line");
    assert!(last.starts_with("400 requests in "), "{last}");
    let rate = last.rsplit_once(": ").and_then(|(_, rate)| rate.strip_suffix(" requests/s"));
    assert!(rate.is_some_and(|rate| rate.parse::<f64>().is_ok_and(|rate| rate > 0.0)), "{last}");
}

#[test]
fn an_address_that_is_taken_is_explained() {
    let taken = std::net::TcpListener::bind(ANY).expect("a port is free");
    let address = taken.local_addr().expect("it has an address").to_string();
    let output = orders(&["--serve", &address]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("it prints UTF-8");
    assert!(said.contains(&format!("can't listen on {address}")), "{said}");
    assert_eq!(orders(&["--fix", "speed"]).status.code(), Some(2));
}

/// It says where it listens, answers, and leaves nothing when it is told to stop.
#[cfg(unix)]
#[tokio::test]
async fn it_serves_until_it_is_stopped() {
    use std::io::{BufRead as _, BufReader};

    let folder = tempfile::tempdir().expect("a folder is made");
    let mut served = Command::new(env!("CARGO_BIN_EXE_orders"))
        .args(["--serve", "127.0.0.1:0"])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("orders starts");
    let mut line = String::new();
    BufReader::new(served.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("listening on ").expect("it says where");
    let mut connection = Connection::open(address.parse().expect("an address")).await.unwrap();
    let (status, _) = connection.ask(&get("/trending/0")).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    let databases = || std::fs::read_dir(folder.path()).expect("it is there").count();
    assert_eq!(databases(), 1);
    let pid = served.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill starts").success());
    assert!(served.wait().expect("it ends").success());
    assert_eq!(databases(), 0);
}
