//! One running shop for several tests of a file: booting it is paid once in each runtime.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use super::runtime::Runtime;
use super::shop::Shop;
use super::system::System;

/// The shop of a file's tests, in each runtime. It is booted by the first that asks for it and
/// taken down with the last that has it. Each test locks it: to read where it bears that others
/// order beside it, to write where it needs the shop for itself. What one that failed leaves of
/// the lock holds up no other.
pub struct OneShop {
    name: &'static str,
    more: &'static str,
    processes: Mutex<Weak<RwLock<Shop>>>,
    containers: Mutex<Weak<RwLock<Shop>>>,
}

impl OneShop {
    /// A shop under a name of its own, with `more` over its services.
    pub const fn new(name: &'static str, more: &'static str) -> Self {
        Self {
            name,
            more,
            processes: Mutex::new(Weak::new()),
            containers: Mutex::new(Weak::new()),
        }
    }

    fn running(&self, runtime: Runtime) -> Arc<RwLock<Shop>> {
        let place = match runtime {
            Runtime::Processes => &self.processes,
            Runtime::Containers => &self.containers,
        };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shop) = place.upgrade() {
            return shop;
        }
        let system = System::shop(self.name, self.more).on(runtime);
        let shop = Arc::new(RwLock::new(Shop::boot(system)));
        *place = Arc::downgrade(&shop);
        shop
    }

    /// Calls `test` with the shop, which others use beside it.
    #[track_caller]
    pub fn beside_others(&self, runtime: Runtime, test: impl FnOnce(&Shop)) {
        let shop = self.running(runtime);
        test(&shop.read().unwrap_or_else(PoisonError::into_inner));
    }

    /// Calls `test` with the shop, which nobody else uses meanwhile.
    #[track_caller]
    pub fn alone(&self, runtime: Runtime, test: impl FnOnce(&Shop)) {
        let shop = self.running(runtime);
        test(&shop.write().unwrap_or_else(PoisonError::into_inner));
    }
}
