//! Who listens is told what was committed, and nothing else.

use std::sync::{Arc, Mutex};

use store::{Listener, Root, RootKind, Roots, StoreError, Tx};

use crate::bed::{add, key, on_both};

static KIND: RootKind = RootKind { rank: 7, lock: "" };

#[derive(Default)]
struct Told(Mutex<Vec<u8>>);

impl Listener for Told {
    fn committed(&self, touched: &[Root]) {
        self.0.lock().unwrap().extend(touched.iter().map(|root| root.key()[15]));
    }
}

fn touch(number: u8) -> impl Fn(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static {
    move |tx| {
        tx.touch(Root::new(&KIND, key(number)));
        add(tx, &number.to_string())
    }
}

#[test]
fn told_when_it_is_committed_and_never_of_what_was_not_kept() {
    on_both(async |bed| {
        let told = Arc::new(Told::default());
        bed.store.write(Roots::none(), touch(1)).await.unwrap();
        bed.store.listen(Arc::clone(&told) as _);
        bed.store.write(Roots::none(), touch(2)).await.unwrap();
        assert_eq!(*told.0.lock().unwrap(), [2], "told before its caller is answered");
        // The name is taken, so this is undone.
        bed.store.write(Roots::none(), touch(1)).await.unwrap_err();
        let read = |tx: &mut Tx<'_>| {
            tx.touch(Root::new(&KIND, key(9)));
            Ok::<_, StoreError>(())
        };
        bed.store.read(read).await.unwrap();
        bed.store.write(Roots::none(), touch(3)).await.unwrap();
        assert_eq!(*told.0.lock().unwrap(), [2, 3]);
    });
}
