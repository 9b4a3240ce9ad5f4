package hostfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// receiving is set in the environment of the program that receives descriptors.
const receiving = "REFMON_TEST_RECEIVING"

// Users and groups of the host. Only the member belongs to the group.
const (
	ownerUID, memberUID, strangerUID = 54001, 54002, 54003
	groupGID, otherGID               = 54010, 54011
)

// firstFile is the descriptor of a receiver's first file. The descriptor before it is of a directory in which
// everybody may create names.
const firstFile = 4

// attempt is an operation that a receiver of a descriptor tries.
type attempt struct {
	name string
	try  func(fd, dir int) error
}

// attempts are made in this order. The first ones change nothing.
var attempts = []attempt{
	{"read", func(fd, _ int) error { return canRead(fd) }},
	{"map to read", func(fd, _ int) error { return mapped(fd, unix.PROT_READ, unix.MAP_SHARED, nil) }},
	{"map to write", func(fd, _ int) error {
		return mapped(fd, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED, func(b []byte) error { b[0] = 'm'; return nil })
	}},
	{"map to read, then write", func(fd, _ int) error {
		return mapped(fd, unix.PROT_READ, unix.MAP_SHARED, func(b []byte) error {
			err := unix.Mprotect(b, unix.PROT_READ|unix.PROT_WRITE)
			if err == nil {
				b[0] = 'm'
			}
			return err
		})
	}},
	{"map to run", func(fd, _ int) error { return mapped(fd, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE, nil) }},
	{"map to read, then run", func(fd, _ int) error {
		return mapped(fd, unix.PROT_READ, unix.MAP_PRIVATE, func(b []byte) error {
			return unix.Mprotect(b, unix.PROT_READ|unix.PROT_EXEC)
		})
	}},
	{"lock to read", func(fd, _ int) error { return locked(fd, unix.F_SETLK, unix.F_RDLCK) }},
	{"lock to write", func(fd, _ int) error { return locked(fd, unix.F_SETLK, unix.F_WRLCK) }},
	{"lock the open file to write", func(fd, _ int) error { return locked(fd, unix.F_OFD_SETLK, unix.F_WRLCK) }},
	{"flock", func(fd, _ int) error {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		return errors.Join(err, unix.Flock(fd, unix.LOCK_UN))
	}},
	{"lease to read", func(fd, _ int) error { return leased(fd, unix.F_RDLCK) }},
	{"lease to write", func(fd, _ int) error { return leased(fd, unix.F_WRLCK) }},
	{"reopen to read", func(fd, _ int) error {
		return reopened(fd, unix.O_RDONLY, canRead)
	}},
	{"reopen as a place", func(fd, _ int) error { return reopened(fd, unix.O_PATH, nil) }},
	{"reopen as a place, then to write", func(fd, _ int) error {
		return reopened(fd, unix.O_PATH, func(n int) error { return reopened(n, unix.O_WRONLY, nil) })
	}},
	{"reopen as a place, then chmod", func(fd, _ int) error {
		return reopened(fd, unix.O_PATH, func(n int) error { return unix.Chmod(placeOf(n), 0o777) })
	}},
	{"reopen as a place, then link", func(fd, dir int) error {
		return reopened(fd, unix.O_PATH, func(n int) error {
			return unix.Linkat(n, "", dir, name(fd, "p"), unix.AT_EMPTY_PATH)
		})
	}},
	{"reopen to read without times", func(fd, _ int) error { return reopened(fd, unix.O_RDONLY|unix.O_NOATIME, nil) }},
	{"run", func(fd, _ int) error { return execute(fd) }},
	{"copy its mount", func(fd, _ int) error {
		n, err := unix.OpenTree(fd, "", unix.OPEN_TREE_CLONE|unix.AT_EMPTY_PATH)
		if err == nil {
			shut(n)
		}
		return err
	}},
	{"change its mount", func(fd, _ int) error {
		return unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY})
	}},
	{"bind its mount", func(fd, dir int) error {
		target := name(fd, "b")
		n, err := unix.Openat(dir, target, unix.O_CREAT|unix.O_RDONLY, 0o600)
		if err != nil {
			return nil // Not caused by the passed descriptor.
		}
		defer shut(n)
		return unix.Mount(placeOf(fd), placeOf(n), "", unix.MS_BIND, "")
	}},
	{"open by a file handle", func(fd, dir int) error {
		h, _, err := unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH)
		if err != nil {
			return err
		}
		n, err := unix.OpenByHandleAt(dir, h, unix.O_RDWR)
		if err == nil {
			shut(n)
		}
		return err
	}},
	{"link", func(fd, dir int) error { return unix.Linkat(fd, "", dir, name(fd, "l"), unix.AT_EMPTY_PATH) }},
	{"link by its place", func(fd, dir int) error {
		return unix.Linkat(unix.AT_FDCWD, placeOf(fd), dir, name(fd, "m"), unix.AT_SYMLINK_FOLLOW)
	}},
	{"reopen to read and write", func(fd, _ int) error { return reopened(fd, unix.O_RDWR, nil) }},
	{"reopen to write", func(fd, _ int) error { return reopened(fd, unix.O_WRONLY, nil) }},
	{"reopen to append", func(fd, _ int) error { return reopened(fd, unix.O_WRONLY|unix.O_APPEND, nil) }},
	{"reopen and empty", func(fd, _ int) error { return reopened(fd, unix.O_RDONLY|unix.O_TRUNC, nil) }},
	{"write", func(fd, _ int) error { _, err := unix.Pwrite(fd, []byte("w"), 0); return err }},
	{"truncate", func(fd, _ int) error { return unix.Ftruncate(fd, 3) }},
	{"truncate its place", func(fd, _ int) error { return unix.Truncate(placeOf(fd), 2) }},
	{"allocate", func(fd, _ int) error { return unix.Fallocate(fd, 0, 0, 100) }},
	{"touch", func(fd, _ int) error { return unix.Futimes(fd, nil) }},
	{"set times", func(fd, _ int) error {
		return unix.UtimesNanoAt(unix.AT_FDCWD, placeOf(fd), []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0)
	}},
	{"set an attribute", func(fd, _ int) error { return unix.Fsetxattr(fd, "user.mine", []byte("x"), 0) }},
	{"set the descriptor", func(fd, _ int) error { return unix.Fsetxattr(fd, "security.NTACL", []byte("x"), 0) }},
	{"remove the descriptor", func(fd, _ int) error { return unix.Fremovexattr(fd, "security.NTACL") }},
	{"set a POSIX ACL", func(fd, _ int) error { return unix.Fsetxattr(fd, aclAccess, namedACL(6, strangerUID), 0) }},
	{"chmod", func(fd, _ int) error { return unix.Fchmod(fd, 0o777) }},
	{"chmod its place", func(fd, _ int) error { return unix.Chmod(placeOf(fd), 0o777) }},
	{"chown", func(fd, _ int) error { return unix.Fchown(fd, os.Getuid(), -1) }},
	{"chgrp", func(fd, _ int) error { return unix.Fchown(fd, -1, os.Getgid()) }},
	{"set flags", func(fd, _ int) error { return setFlags(fd) }},
	{"set a project", func(fd, _ int) error { return setProject(fd) }},
}

func name(fd int, what string) string { return fmt.Sprint(os.Getuid(), "-", fd, "-", what) }

// canRead returns an error unless the file's contents can be read.
func canRead(fd int) error {
	b := make([]byte, 4)
	if n, err := unix.Pread(fd, b, 0); err != nil || n == 0 {
		return errors.Join(err, errors.New("nothing was read"))
	}
	return nil
}

func reopened(fd, flags int, then func(int) error) error {
	n, err := unix.Open(placeOf(fd), flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer shut(n)
	if then == nil {
		return nil
	}
	return then(n)
}

func mapped(fd, protection, flags int, then func([]byte) error) error {
	b, err := unix.Mmap(fd, 0, 4, protection, flags)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(b) }()
	if then == nil {
		return nil
	}
	return then(b)
}

func locked(fd, command int, kind int16) error {
	l := unix.Flock_t{Type: kind, Whence: 0, Len: 1}
	err := unix.FcntlFlock(uintptr(fd), command, &l)
	l.Type, l.Pid = unix.F_UNLCK, 0
	return errors.Join(err, unix.FcntlFlock(uintptr(fd), command, &l))
}

func leased(fd, kind int) error {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, kind); err != nil {
		return err
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
	return err
}

// execute starts the file. A file that may be started has a format that the system does not know, which is an error of
// its own.
func execute(fd int) error {
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil || s.Mode&0o111 == 0 {
		return errors.Join(err, unix.EACCES)
	}
	_, err := syscall.ForkExec(placeOf(fd), []string{"x"}, nil)
	if errors.Is(err, unix.ENOEXEC) {
		return nil
	}
	return err
}

func setFlags(fd int) error {
	flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	const noDump = 0x40
	return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, flags^noDump)
}

// setProject changes the attributes of FS_IOC_FSSETXATTR.
func setProject(fd int) error {
	var attributes [28]byte // struct fsxattr
	const get, set = 0x801c581f, 0x401c5820
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), get, uintptr(unsafe.Pointer(&attributes))); e != 0 {
		return e
	}
	const noDump = 0x80
	attributes[0] ^= noDump
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), set, uintptr(unsafe.Pointer(&attributes))); e != 0 {
		return e
	}
	return nil
}

// namedACL returns an ACL that gives rights to its owner and to one more user, and none to others.
func namedACL(rights byte, user uint32) []byte {
	acl := []byte{2, 0, 0, 0}
	for _, e := range []struct {
		tag    uint16
		rights byte
		id     uint32
	}{{1, 6, ^uint32(0)}, {2, rights, user}, {4, 0, ^uint32(0)}, {0x10, rights, ^uint32(0)}, {0x20, 0, ^uint32(0)}} {
		acl = append(acl, byte(e.tag), byte(e.tag>>8), e.rights, 0, byte(e.id), byte(e.id>>8), byte(e.id>>16), byte(e.id>>24))
	}
	return acl
}

// TestReceiverHelperProcess is the program that receives descriptors. It reports which attempts succeed with each.
func TestReceiverHelperProcess(t *testing.T) {
	files, err := strconv.Atoi(os.Getenv(receiving))
	if err != nil {
		t.Skip("TestReceiverCanDoOnlyGranted runs this")
	}
	could := make([][]string, files)
	for i := range files {
		for _, a := range attempts {
			if a.try(firstFile+i, firstFile-1) == nil {
				could[i] = append(could[i], a.name)
			}
		}
	}
	check.NoError(t, json.NewEncoder(os.Stderr).Encode(could))
}

// receiver is a process that receives descriptors.
type receiver struct {
	name     string
	uid, gid uint32
	groups   []uint32
	apart    bool // in a user namespace of its own, with all capabilities
}

var receivers = []receiver{
	{"owner", ownerUID, otherGID, nil, false},
	{"member", memberUID, otherGID, []uint32{groupGID}, false},
	{"stranger", strangerUID, otherGID, nil, false},
	{"root of a container", ownerUID, otherGID, nil, true},
}

// attempts passes files to the program and returns the attempts that succeeded with each.
func (r receiver) attempts(t *testing.T, dir *os.File, files []*os.File) [][]string {
	t.Helper()
	// The program's own path may be closed to others.
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestReceiverHelperProcess$")
	cmd.Env = append(os.Environ(), receiving+"="+strconv.Itoa(len(files)))
	cmd.ExtraFiles = append([]*os.File{dir}, files...)
	var said strings.Builder
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: r.uid, Gid: r.gid, Groups: r.groups}}
	if r.apart {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
			Credential:  &syscall.Credential{Uid: 0, Gid: 0},
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(r.uid), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(r.gid), Size: 1}}}
	}
	if err := cmd.Run(); err != nil {
		t.Fatalf("receiver %s: %v\n%s", r.name, err, said.String())
	}
	var could [][]string
	if err := json.Unmarshal([]byte(said.String()), &could); err != nil || len(could) != len(files) {
		t.Fatalf("answer of receiver %s: %v: %q", r.name, err, said.String())
	}
	return could
}
