//! scratch
#![allow(clippy::all, clippy::unwrap_used, clippy::panic)]
use suture_core::Program;
struct P;
impl suture_build::Progress for P {
    fn step(&self, m: &str) {
        eprintln!("== {m}")
    }
    fn line(&self, l: &str) {
        eprintln!("   {l}")
    }
}
#[tokio::main]
async fn main() {
    let dir = std::env::args().nth(1).unwrap();
    match suture_build::build(dir.as_ref(), None, &P) {
        Err(e) => {
            eprintln!("error: {e}");
            std::process::exit(1)
        }
        Ok(b) => {
            println!("{b:?}");
            let bytes = std::fs::read(&b.path).unwrap();
            println!("{:?}", suture_build::inspect(&bytes));
            let rt = suture_runtime::Runtime::new().unwrap();
            let t = std::time::Instant::now();
            let cache = suture_runtime::ModuleCache::open("/tmp/rt/cache").unwrap();
            match rt.load(&bytes, Some(&cache)).await {
                Ok(m) => println!("{:?} {:?} {:?}", m, m.manifest(), t.elapsed()),
                Err(e) => println!("load: {e}"),
            }
        }
    }
}
