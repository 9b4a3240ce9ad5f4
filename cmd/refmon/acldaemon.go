package main

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// served accesses the descriptor of one file in a tree of a running refmond, which decides each call with the
// caller's rights.
type served struct {
	conn *client.Conn
	name string // as the daemon's names are written: \??\projects\plan
	sacl bool   // the caller has SeSecurityPrivilege: read returns the SACL too
}

// treeNames begins the names of trees.
const treeNames = `\??\`

// isServed reports whether a running refmond serves a path: --connect is given, or the path starts with treeNames. It
// returns false with --offline.
func (f *offlineFlags) isServed(path string) bool {
	return !f.Offline && (f.Connect != "" || strings.HasPrefix(path, treeNames))
}

// dial connects to refmond as the caller, and enables SeSecurityPrivilege if the caller holds it. Without --connect it
// uses the default socket. A path that servedName refuses, and a daemon that does not answer, are errors.
func (f *offlineFlags) dial(path string) (*served, error) {
	socket := f.Connect
	if socket == "" {
		socket = client.Socket()
	}
	name, err := servedName(path)
	if err != nil {
		return nil, err
	}
	conn, err := client.Dial(socket)
	if err != nil {
		return nil, err
	}
	s := &served{conn: conn, name: name}
	s.sacl = s.enable(winnt.SeSecurityPrivilege)
	return s, nil
}

// servedName converts a path such as projects/plan to a name of refmond. It returns such a name as it is, without a
// backslash at the end: what precedes the last one is the name of the directory. Absolute paths, paths that start with
// a dot, and "" are errors.
func servedName(path string) (string, error) {
	if name, ok := strings.CutPrefix(path, treeNames); ok {
		return treeNames + strings.TrimRight(name, `\`), nil
	}
	if strings.HasPrefix(path, "/") || strings.HasPrefix(path, ".") || path == "" {
		return "", fmt.Errorf("%s: a file of refmond is named TREE/PATH, such as projects/plans/plan.docx", inLine(path))
	}
	return treeNames + strings.ReplaceAll(strings.TrimRight(path, `/\`), "/", `\`), nil
}

// enable enables a privilege of the caller. It returns false if the caller does not hold it. An error of the token is
// false as well.
func (s *served) enable(p winnt.Privilege) bool {
	th := s.conn.Thread()
	token, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES)
	if st != ntstatus.Success {
		return false
	}
	defer th.NtClose(token)
	_, st = th.NtAdjustPrivilegesToken(token, false, []nt.LUIDAndAttributes{
		{LUID: p.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
	return st == ntstatus.Success
}

// with opens a file at the daemon with the rights want, calls f with the thread and the handle, and closes the
// handle. The error is that of the open or of f, with the file's name.
func (s *served) with(name string, want winnt.AccessMask, f func(*nt.Thread, winnt.Handle) ntstatus.Status) error {
	const share = uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)
	th := s.conn.Thread()
	h, st := th.NtOpenFile(want, &nt.ObjectAttributes{ObjectName: name}, share, 0)
	if st == ntstatus.Success {
		st = f(th, h)
		th.NtClose(h)
	}
	if st != ntstatus.Success {
		return fmt.Errorf("%s: %w", inLine(name), st.Err())
	}
	return nil
}

// read returns the descriptor, with the parts that the caller may see, and whether it is of a directory. The SACL is
// read only on request, and needs its right. A file that may not be opened is an error.
func (s *served) read(name string) (d *sd.Descriptor, directory bool, err error) {
	want := winnt.READ_CONTROL
	parts := winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION
	if s.sacl {
		want, parts = want|winnt.ACCESS_SYSTEM_SECURITY, parts|winnt.SACL_SECURITY_INFORMATION
	}
	err = s.with(name, want, func(th *nt.Thread, h winnt.Handle) (st ntstatus.Status) {
		if d, st = th.NtQuerySecurityObject(h, parts); st != ntstatus.Success {
			return st
		}
		about, st := th.NtQueryInformationFile(h, nt.FileStandardInformation)
		if standard, ok := about.(nt.FileStandard); ok {
			directory = standard.Directory
		}
		return st
	})
	return d, directory, err
}

// open reads the descriptor of the file into k, and if above is true also that of its directory, from which it
// inherits. The root of a tree has no directory.
func (s *served) open(k *kept, above bool) (err error) {
	if k.now, k.directory, err = s.read(s.name); err != nil || !above {
		return err
	}
	dir := s.name[:strings.LastIndexByte(s.name, '\\')]
	if len(dir) < len(treeNames) {
		return nil // s is the root of a tree, which has no parent
	}
	k.parent, _, err = s.read(dir)
	return err
}

// write changes the parts that d has, each with its own right (F-50). No parts are an error. Owner and group need
// WRITE_OWNER, the DACL WRITE_DAC and the SACL ACCESS_SYSTEM_SECURITY. The DACL's protection is set as d has it.
func (s *served) write(d *sd.Descriptor) error {
	var want winnt.AccessMask
	var parts uint32
	if !d.Owner().IsZero() {
		want, parts = want|winnt.WRITE_OWNER, parts|winnt.OWNER_SECURITY_INFORMATION
	}
	if !d.Group().IsZero() {
		want, parts = want|winnt.WRITE_OWNER, parts|winnt.GROUP_SECURITY_INFORMATION
	}
	if d.Control()&sd.DACLPresent != 0 { // the kernel stores the list's protection too (S-79)
		want, parts = want|winnt.WRITE_DAC, parts|winnt.DACL_SECURITY_INFORMATION
	}
	if d.Control()&sd.SACLPresent != 0 {
		want, parts = want|winnt.ACCESS_SYSTEM_SECURITY, parts|winnt.SACL_SECURITY_INFORMATION
	}
	if parts == 0 {
		return fmt.Errorf("%s: O:, G:, D: and S: are missing: give at least one", inLine(s.name))
	}
	return s.with(s.name, want, func(th *nt.Thread, h winnt.Handle) ntstatus.Status {
		return th.NtSetSecurityObject(h, parts, d)
	})
}
