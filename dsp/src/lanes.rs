//! Wide registers without unsafe: the same plain loops, compiled once for every x86-64 machine and once for those with AVX2, chosen at run time.
//! The loops use no fused multiply-add and never depend on the width of a register, so each path gives the same bits (D-1). Never here: sound.

use std::sync::atomic::{AtomicU8, Ordering};

/// What the loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Path {
    /// Whatever every machine of the architecture has (SSE2 on x86-64).
    Plain = 1,
    /// 256-bit registers (AVX2).
    Wide = 2,
}

const UNDECIDED: u8 = 0;
static FORCED: AtomicU8 = AtomicU8::new(UNDECIDED);

/// Runs `work` with the widest registers the machine has. What `work` calls must be inlined into it (`#[inline(always)]`) to profit.
#[inline(always)]
pub fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if FORCED.load(Ordering::Relaxed) != Path::Plain as u8
        && let Some(arch) = pulp::x86::V3::try_new()
    {
        return arch.vectorize(work);
    }
    work()
}

/// As [`wide`], for a function and what it takes, as one tuple. A closure with much in it may be left standing outside by the compiler, and is then
/// compiled for the registers that every machine has; a function that is `#[inline(always)]` is taken in more often. A profile shows which were not.
#[inline(always)]
pub fn wide_with<A, R>(work: impl FnOnce(A) -> R, with: A) -> R {
    #[cfg(target_arch = "x86_64")]
    if FORCED.load(Ordering::Relaxed) != Path::Plain as u8
        && let Some(arch) = pulp::x86::V3::try_new()
    {
        return arch.vectorize(Work { work, with });
    }
    work(with)
}

#[cfg(target_arch = "x86_64")]
struct Work<F, A> {
    work: F,
    with: A,
}

#[cfg(target_arch = "x86_64")]
impl<A, R, F: FnOnce(A) -> R> pulp::NullaryFnOnce for Work<F, A> {
    type Output = R;

    #[inline(always)]
    fn call(self) -> R {
        (self.work)(self.with)
    }
}

/// The paths that this machine can run.
pub fn paths() -> Vec<Path> {
    #[cfg(target_arch = "x86_64")]
    if pulp::x86::V3::try_new().is_some() {
        return vec![Path::Plain, Path::Wide];
    }
    vec![Path::Plain]
}

/// The path that [`wide`] takes now, for code that names its registers instead of leaving them to the compiler.
pub fn path() -> Path {
    #[cfg(target_arch = "x86_64")]
    if FORCED.load(Ordering::Relaxed) != Path::Plain as u8 && pulp::x86::V3::try_new().is_some() {
        return Path::Wide;
    }
    Path::Plain
}

/// From here on every call takes this path; `None` gives the choice back. For tests and benchmarks: it holds for the whole process, which harms
/// nobody, because all paths give the same bits.
pub fn force(path: Option<Path>) {
    FORCED.store(path.map_or(UNDECIDED, |p| p as u8), Ordering::Relaxed);
}
