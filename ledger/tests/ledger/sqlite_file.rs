//! What is true of a file only.

use std::path::Path;

use ledger::{Caretaker, Ledger, LedgerError, Place};

use crate::home::Home;
use crate::{close, row, wait, writer_of};

#[tokio::test]
async fn a_backup_is_the_whole_ledger_and_replaces_nothing() {
    let home = Home::file();
    let Home::File(file) = &home else { unreachable!("it was asked for") };
    let (ledger, writer) = home.open();
    let mut journal = ledger.begin("a", 1);
    for n in 1..=40 {
        journal.append(row(n, None));
    }
    wait(&mut journal).await;

    // The server goes on meanwhile.
    let copy = file.with_extension("copy");
    home.beside(|ledger| ledger.back_up(&copy)).unwrap();
    assert!(home.beside(|ledger| ledger.back_up(&copy)).is_err());
    let checked = Caretaker::open(&Place::File(copy)).unwrap().verify(None).unwrap();
    assert_eq!((checked.lives, checked.rows, checked.faults), (1, 40, Vec::new()));
    close(ledger, writer_of(journal, writer));
}

#[test]
fn a_file_that_is_no_ledger_is_left_alone() {
    let home = Home::file();
    let Home::File(file) = &home else { unreachable!("it was asked for") };
    let text = "this is a text and not a data base at all".repeat(99);
    std::fs::write(file, &text).unwrap();
    assert!(matches!(Ledger::open(&home.config()), Err(LedgerError::Failed(_))));
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
    assert!(Caretaker::open(&Place::File(Path::new("/nowhere/at/all").into())).is_err());
}
