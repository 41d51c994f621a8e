//! What passes between a ledger and its server on a network is read by nobody else.

use ledger::{Ledger, LedgerConfig, Place, PostgresUrl, Progress};

use crate::home::{Home, apart, connect};
use crate::throw_away::{self, server};
use crate::{close, row, wait, writer_of};

#[tokio::test]
async fn a_ledger_is_written_over_an_encrypted_connection() {
    let name = apart(throw_away::data_base);
    let root = server().certificate();
    for mode in ["require", "verify-full"] {
        let url = server().url_by_tcp("127.0.0.1", &name);
        let config = config(&format!("{url}?sslmode={mode}&sslrootcert={}", root.display()));
        let (ledger, writer) = Ledger::open(&config).unwrap();
        let mut journal = ledger.begin(mode, 1);
        journal.append(row(1, None));
        assert_eq!(wait(&mut journal).await, Progress { durable: 1, is_broken: false });

        let sql = "SELECT ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                   WHERE datname = current_database() AND application_name = 'lianmai'";
        let rows = apart(|| connect(&server().url(&name)).query(sql, &[]).unwrap());
        let seen: Vec<(bool, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(seen, [(true, "TLSv1.3".to_owned())]);
        close(ledger, writer_of(journal, writer));
        // The server needs a moment to see that the connection is gone.
        wait_until_left(&name);
    }
}

#[test]
fn whoever_cannot_prove_to_be_the_server_hears_nothing() {
    let name = throw_away::data_base();
    let root = server().certificate();
    let by_name = format!("&hostaddr=127.0.0.1&sslrootcert={}", root.display());
    for (host, more, says) in [
        ("127.0.0.1", "", "certificate"),
        // The certificate is for the address, not for the name.
        ("localhost", by_name.as_str(), "not valid for name"),
    ] {
        let url = format!("{}?sslmode=require{more}", server().url_by_tcp(host, &name));
        let said = Ledger::open(&config(&url)).unwrap_err().to_string();
        assert!(said.contains(says) && !said.contains(server().password()), "{said}");
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let count: i64 = connect(&server().url(&name)).query_one(tables, &[]).unwrap().get(0);
    assert_eq!(count, 0);
    let tried = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
    let count: i64 = connect(&server().url(&name)).query_one(tried, &[]).unwrap().get(0);
    assert_eq!(count, 1, "only who asks");
}

fn config(url: &str) -> LedgerConfig {
    let home = Home::file();
    LedgerConfig { place: Place::Postgres(PostgresUrl::new(url)), ..home.config() }
}

fn wait_until_left(name: &str) {
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'lianmai'";
    apart(|| {
        let mut client = connect(&server().url(name));
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while client.query_one(sql, &[]).unwrap().get::<_, i64>(0) > 0 {
            assert!(std::time::Instant::now() < until, "the connection stays");
        }
    });
}
