package browser

// noHang is WNOHANG of AIX' sys/wait.h, which package syscall lacks there.
const noHang = 1
