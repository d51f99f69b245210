//! What a child may ask of the kernel, by seccomp. Two filters lie over one another, and the stricter answer counts: a call that no work on sound makes ends
//! the child at once; one that is neither that nor known to be needed is answered as a kernel answers that does not have it, so that a library of another
//! day finds its other way. Never here: paths.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use known::hold;

/// No table of calls for this processor.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn hold(_programs: bool) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod known {
    use std::{collections::BTreeMap, io};

    use libc::*;
    use seccompiler::{
        BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
        SeccompFilter, SeccompRule, TargetArch, apply_filter,
    };

    type Rules = BTreeMap<i64, Vec<SeccompRule>>;

    /// Reaching out of this process in any other way than through its files.
    const OUTWARD: [c_long; 28] = [
        SYS_ptrace,
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_pidfd_open,
        SYS_pidfd_getfd,
        SYS_pidfd_send_signal,
        SYS_kcmp,
        SYS_mount,
        SYS_umount2,
        SYS_pivot_root,
        SYS_chroot,
        SYS_setns,
        SYS_unshare,
        SYS_bpf,
        SYS_perf_event_open,
        SYS_userfaultfd,
        SYS_io_uring_setup,
        SYS_io_uring_enter,
        SYS_io_uring_register,
        SYS_add_key,
        SYS_request_key,
        SYS_keyctl,
        SYS_init_module,
        SYS_finit_module,
        SYS_delete_module,
        SYS_kexec_load,
        SYS_reboot,
        SYS_syslog,
    ];

    /// The network and other programs, for a child that starts none.
    const SOCKETS_AND_PROGRAMS: [c_long; 17] = [
        SYS_socket,
        SYS_socketpair,
        SYS_connect,
        SYS_bind,
        SYS_listen,
        SYS_accept,
        SYS_accept4,
        SYS_sendto,
        SYS_sendmsg,
        SYS_sendmmsg,
        SYS_recvfrom,
        SYS_recvmsg,
        SYS_recvmmsg,
        SYS_execve,
        SYS_execveat,
        SYS_kill,
        SYS_tkill,
    ];

    /// What decoding, measuring, rendering and writing files takes: memory, threads, files, time.
    const NEEDED: [c_long; 82] = [
        SYS_read,
        SYS_readv,
        SYS_pread64,
        SYS_preadv,
        SYS_write,
        SYS_writev,
        SYS_pwrite64,
        SYS_pwritev,
        SYS_lseek,
        SYS_openat,
        SYS_close,
        SYS_close_range,
        SYS_dup,
        SYS_dup3,
        SYS_fcntl,
        SYS_flock,
        SYS_fstat,
        SYS_newfstatat,
        SYS_statx,
        SYS_fstatfs,
        SYS_statfs,
        SYS_faccessat,
        SYS_faccessat2,
        SYS_readlinkat,
        SYS_getcwd,
        SYS_getdents64,
        SYS_mkdirat,
        SYS_unlinkat,
        SYS_linkat,
        SYS_renameat,
        SYS_renameat2,
        SYS_fchmod,
        SYS_fchmodat,
        SYS_utimensat,
        SYS_umask,
        SYS_truncate,
        SYS_ftruncate,
        SYS_fallocate,
        SYS_fadvise64,
        SYS_readahead,
        SYS_fsync,
        SYS_fdatasync,
        SYS_sync_file_range,
        SYS_copy_file_range,
        SYS_sendfile,
        SYS_mmap,
        SYS_munmap,
        SYS_mremap,
        SYS_mprotect,
        SYS_madvise,
        SYS_msync,
        SYS_brk,
        SYS_futex,
        SYS_set_robust_list,
        SYS_get_robust_list,
        SYS_rseq,
        SYS_membarrier,
        SYS_gettid,
        SYS_getpid,
        SYS_getuid,
        SYS_geteuid,
        SYS_getgid,
        SYS_getegid,
        SYS_getrandom,
        SYS_getrusage,
        SYS_sysinfo,
        SYS_uname,
        SYS_clock_gettime,
        SYS_clock_getres,
        SYS_clock_nanosleep,
        SYS_nanosleep,
        SYS_gettimeofday,
        SYS_sched_yield,
        SYS_sched_getaffinity,
        SYS_getcpu,
        SYS_ppoll,
        SYS_rt_sigaction,
        SYS_rt_sigprocmask,
        SYS_rt_sigreturn,
        SYS_sigaltstack,
        SYS_restart_syscall,
        SYS_exit,
    ];

    /// The older names of the same that this processor's table has.
    #[cfg(target_arch = "x86_64")]
    const NEEDED_OLD: [c_long; 14] = [
        SYS_open,
        SYS_stat,
        SYS_lstat,
        SYS_access,
        SYS_readlink,
        SYS_mkdir,
        SYS_rmdir,
        SYS_unlink,
        SYS_link,
        SYS_rename,
        SYS_chmod,
        SYS_dup2,
        SYS_poll,
        SYS_time,
    ];
    #[cfg(target_arch = "aarch64")]
    const NEEDED_OLD: [c_long; 0] = [];

    #[cfg(target_arch = "x86_64")]
    const ARCH: TargetArch = TargetArch::x86_64;
    #[cfg(target_arch = "aarch64")]
    const ARCH: TargetArch = TargetArch::aarch64;

    /// `false`: this kernel cannot.
    pub(in super::super) fn hold(programs: bool) -> io::Result<bool> {
        let filters = if programs { of_programs() } else { of_sound() };
        let filters = filters.map_err(|error| io::Error::other(format!("seccomp: {error}")))?;
        for filter in &filters {
            match apply_filter(filter) {
                Ok(()) => {}
                Err(seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error))
                    if matches!(error.raw_os_error(), Some(ENOSYS | EINVAL)) =>
                {
                    return Ok(false);
                }
                Err(error) => return Err(io::Error::other(format!("seccomp: {error}"))),
            }
        }
        Ok(true)
    }

    fn of_sound() -> Result<Vec<BpfProgram>, BackendError> {
        let mut fatal = always(OUTWARD.into_iter().chain(SOCKETS_AND_PROGRAMS));
        #[cfg(target_arch = "x86_64")]
        fatal.extend(always([SYS_fork, SYS_vfork]));
        let mut needed = always(NEEDED.into_iter().chain(NEEDED_OLD).chain([SYS_exit_group]));
        // Threads and no processes.
        needed.insert(
            SYS_clone,
            vec![only(0, SeccompCmpOp::MaskedEq(flag(CLONE_THREAD)), flag(CLONE_THREAD))?],
        );
        // An abort is a signal to oneself.
        needed.insert(SYS_tgkill, vec![only(0, SeccompCmpOp::Eq, std::process::id().into())?]);
        // The names of threads and of memory.
        let names = [PR_SET_NAME, PR_SET_VMA].map(|name| only(0, SeccompCmpOp::Eq, flag(name)));
        needed.insert(SYS_prctl, names.into_iter().collect::<Result<_, _>>()?);
        Ok(vec![
            program(fatal, SeccompAction::Allow, SeccompAction::KillProcess)?,
            program(needed, SeccompAction::Errno(ENOSYS as u32), SeccompAction::Allow)?,
        ])
    }

    /// The operator's programs are many things: they are refused what no program for sound needs, and told so.
    fn of_programs() -> Result<Vec<BpfProgram>, BackendError> {
        let mut refused = always(OUTWARD);
        refused.insert(SYS_socket, vec![only(0, SeccompCmpOp::Ne, flag(AF_UNIX))?]);
        Ok(vec![program(refused, SeccompAction::Allow, SeccompAction::Errno(EPERM as u32))?])
    }

    fn always(calls: impl IntoIterator<Item = c_long>) -> Rules {
        calls.into_iter().map(|call| (call, Vec::new())).collect()
    }

    fn only(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
        SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)?])
    }

    fn flag(value: c_int) -> u64 {
        value as u32 as u64
    }

    fn program(
        rules: Rules,
        others: SeccompAction,
        these: SeccompAction,
    ) -> Result<BpfProgram, BackendError> {
        SeccompFilter::new(rules, others, these, ARCH)?.try_into()
    }
}
