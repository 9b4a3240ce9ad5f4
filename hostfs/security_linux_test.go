package hostfs

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Reading and setting a descriptor requires the right. The new one is stored in the attribute (F-50, F-121).
func TestSetSecurityStoresAttribute(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", "O:"+alice+"G:SYD:P(A;;FR;;;WD)")
	one, two := w.as(alice), w.as(bob)
	h := w.open(one, "f", winnt.READ_CONTROL|winnt.WRITE_DAC, ntstatus.Success) // alice owns it
	w.open(two, "f", winnt.WRITE_DAC, ntstatus.AccessDenied)
	reader := w.open(two, "f", winnt.READ_CONTROL|winnt.FILE_READ_DATA, ntstatus.Success)
	const dacl = winnt.DACL_SECURITY_INFORMATION
	next := sddl.MustParse("D:P(A;;FA;;;" + alice + ")")
	w.want(two.NtSetSecurityObject(reader, dacl, next), ntstatus.AccessDenied)
	w.want(one.NtSetSecurityObject(h, dacl, next), ntstatus.Success)
	if a := w.readBack("f"); a.Version != 3 || !a.Descriptor.DACL().Equal(next.DACL()) || a.HashType != ntacl.HashSHA256 ||
		a.Hash != [64]byte{} {
		t.Errorf("stored attribute: %+v, want version 3 with the new DACL, without a hash", a)
	}
	w.open(two, "f", winnt.FILE_READ_DATA, ntstatus.AccessDenied)
	// The open handle keeps its rights (F-52) and sees the current data.
	check.Equal(t, check.Status(two.NtReadFileAt(reader, 1, 0)), ntstatus.EndOfFile, "read by bob's earlier handle")
	d, st := two.NtQuerySecurityObject(reader, dacl)
	check.That(t, st == ntstatus.Success && d.DACL().Equal(next.DACL()),
		"descriptor by bob's earlier handle: %v, %v, want the new DACL", d, st)
}

// Each version of the attribute is written back in the same version, with a hash that a server accepts. A version
// whose hash only the server can compute is not written (F-121).
func TestAttributeKeepsVersion(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	th, begun := w.as(alice), time.Now().Truncate(time.Hour)
	text := "O:" + alice + "G:SYD:P(A;;FA;;;" + alice + ")"
	sealed := ntacl.Attribute{Version: 4}
	info := ntacl.Info{Mode: 0o600, UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	w.must(sealed.Seal(info, nil, nil))
	for name, c := range map[string]struct {
		a    ntacl.Attribute
		want ntstatus.Status
	}{
		"1":         {ntacl.Attribute{Version: 1}, ntstatus.Success},
		"2":         {ntacl.Attribute{Version: 2, Hash: [64]byte{1, 2, 3}}, ntstatus.Success},
		"3":         {ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256}, ntstatus.Success},
		"3, hashed": {ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Hash: [64]byte{1}}, ntstatus.NotSupported},
		"4":         {sealed, ntstatus.Success},
		"4, other":  {ntacl.Attribute{Version: 4, HashType: ntacl.HashSHA256, What: "other"}, ntstatus.NotSupported},
	} {
		w.must(os.WriteFile(w.path(name), nil, 0o600))
		c.a.Descriptor = sddl.MustParse(text)
		value := check.Must(c.a.Append(nil))
		w.must(setAttribute(w.path(name), w.tree.cfg.Attribute, value))
		h := w.open(th, name, winnt.WRITE_DAC, ntstatus.Success)
		next := sddl.MustParse("D:P(A;;FR;;;WD)")
		check.Equal(t, th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, next), c.want,
			"set the descriptor of version %s", name)
		got := w.readBack(name)
		// Version 4 contains the hour of writing, in units of 100 ns since 1601 (F-216).
		written := time.Unix(got.Time/10_000_000-11_644_473_600, 0)
		if got.Version == 4 && c.want == ntstatus.Success && (written.Before(begun) || written.After(time.Now())) {
			t.Errorf("time of writing of version %s: %v, want at or after %v", name, written, begun)
		}
		if c.want != ntstatus.Success {
			next = c.a.Descriptor
		}
		check.That(t, got.Version == c.a.Version && got.Hash == c.a.Hash && got.Descriptor.DACL().Equal(next.DACL()),
			"attribute of version %s: %+v, want the same version and hash", name, got)
		if v := got.Verify(info, nil, nil); c.want == ntstatus.Success && v != ntacl.Unhashed && v != ntacl.Intact {
			t.Errorf("Verify of version %s = %v, want Unhashed or Intact", name, v)
		}
	}
	// The permissions were changed outside of the server, so the descriptor does not count (F-115).
	w.must(os.Chmod(w.path("4"), 0o644))
	w.open(th, "4", winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
	w.open(th, "4", winnt.FILE_READ_DATA, ntstatus.Success)
	w.must(os.Chmod(w.path("4"), 0o600))
	w.must(os.Chmod(w.path("4"), 0o660))
	w.open(th, "4", winnt.FILE_READ_DATA, ntstatus.AccessDenied)
}

// A directory without a descriptor has no entries for children: nobody else can read a new file of a private folder
// (F-115).
func TestDerivedDirectoryPassesNothingOn(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	w.must(os.Mkdir(w.path("d"), 0o700))
	d := check.Result(w.opened("d", fileaccess.Request{}, winnt.READ_CONTROL).Descriptor())
	check.Require(t, d.DACL().Len() > 0, true, "F-115: the descriptor has entries")
	for _, a := range d.DACL().All() {
		check.Equal(t, a.Flags(), 0, "F-115: inheritance flags of the entry for %s", a.SID())
	}
}

// A descriptor replaces only the one that was read before (F-121). Another one stays.
func TestSwapDescriptorNeedsCurrentOne(t *testing.T) {
	w := newWorld(t)
	const text = "O:BAG:SYD:P(A;;FA;;;WD)"
	w.file("f", "", text)
	th := w.as(alice)
	h := w.open(th, "f", winnt.WRITE_DAC, ntstatus.Success)
	w.tree.mu.Lock()
	var f *file
	for _, n := range w.tree.nodes {
		f = n.opens[0]
	}
	w.tree.mu.Unlock()
	next := sddl.MustParse("O:BAG:SYD:P(A;;FR;;;WD)")
	for _, old := range []*sd.Descriptor{nil, next, sddl.MustParse("O:BAG:BAD:P(A;;FA;;;WD)"),
		sddl.MustParse("O:BAG:SYD:P")} {
		if swapped, st := f.SwapDescriptor(old, next); swapped || st != ntstatus.Success ||
			!w.readBack("f").Descriptor.Equal(sddl.MustParse(text)) {
			t.Errorf("F-121: SwapDescriptor of %v, which is not the stored one: swapped %t, %v; want false, success",
				old, swapped, st)
		}
	}
	if swapped, st := f.SwapDescriptor(sddl.MustParse(text), next); !swapped || st != ntstatus.Success ||
		!w.readBack("f").Descriptor.Equal(next) {
		t.Errorf("F-121: SwapDescriptor of the stored descriptor: swapped %t, %v; want true, success", swapped, st)
	}
	w.want(th.NtClose(h), ntstatus.Success)
}

// The share limits an open that starts at a directory's handle as it limits names from the root (F-111).
func TestShareLimitsEveryOpen(t *testing.T) {
	native := newWorld(t)
	w := newWorld(t, func(c *Config) { c.Share = sddl.MustParse("D:(A;;0x1300a9;;;WD)") }) // no adding of files
	const all = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	w.describe("", all)
	w.dir("d", all)
	w.file(`d\f`, "text", all)
	th := w.as(bob)
	d := w.open(th, "d", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	below := func(desired winnt.AccessMask, want ntstatus.Status) winnt.Handle {
		t.Helper()
		in := call{desired: desired, disposition: fileaccess.FileOpen}.at("f")
		in.ObjectAttributes = nt.Cap(&nt.ObjectAttributes{RootDirectory: d, ObjectName: "f"})
		h, _, st := th.NtCreateFile(in)
		w.want(st, want)
		return h
	}
	below(winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
	h := below(winnt.MAXIMUM_ALLOWED, ntstatus.Success)
	if v, st := th.NtQueryInformationFile(h, nt.FileAccessInformation); st != ntstatus.Success ||
		v.(nt.AccessInformation).AccessFlags != 0x1300a9 {
		t.Errorf("F-111: rights by a directory's handle: %v, %v, want 0x1300a9", v, st)
	}
	// For a rename within a share, the target directory is opened, as by an SMB server (F-57).
	for _, c := range []struct {
		w    *world
		want ntstatus.Status
	}{{w, ntstatus.AccessDenied}, {native, ntstatus.Success}} {
		c.w.dir("adds", "O:BAG:SYD:P(A;;0x23;;;WD)") // without SYNCHRONIZE, which that open requests
		c.w.file(`adds\f`, "", all)
		mover := c.w.as(bob)
		f := c.w.open(mover, `adds\f`, winnt.DELETE, ntstatus.Success)
		c.w.renames(mover, f, nt.FileRename{FileName: "g"}, c.want)
		c.w.want(mover.NtClose(f), ntstatus.Success)
	}
}

// The number of open files is limited (F-123), and each user leaves room for others. Of four, bob alone gets
// two, alice half of the rest, and a third user the last one.
func TestOpenFilesOfOneUserLeaveRoomForOthers(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Opens = 4 })
	w.file("f", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	open := func(th *nt.Thread, want ntstatus.Status) winnt.Handle {
		t.Helper()
		return w.open(th, "f", winnt.FILE_READ_DATA, want)
	}
	first, again := w.as(bob), w.as(bob)
	h := open(first, ntstatus.Success)
	open(again, ntstatus.Success)
	open(first, ntstatus.TooManyOpenedFiles)
	open(again, ntstatus.TooManyOpenedFiles) // another process of the same user
	other := w.as(alice)
	open(other, ntstatus.Success)
	open(other, ntstatus.TooManyOpenedFiles)
	w.want(first.NtClose(h), ntstatus.Success)
	open(first, ntstatus.Success)
	open(w.as("S-1-5-21-1-2-3-1109"), ntstatus.Success)
	open(w.as("S-1-5-21-1-2-3-1110"), ntstatus.TooManyOpenedFiles)
}

// Every operation that stores a descriptor maps generic rights and omits grants to a logon session. An inherit-only
// entry keeps its rights (F-199, F-201).
func TestStoredDescriptorIsMapped(t *testing.T) {
	const given = "D:P(D;;GR;;;" + bob + ")(A;OICIIO;GA;;;CO)(A;;GA;;;" + alice + ")(A;;GR;;;S-1-5-5-0-1001)"
	const kept = "D:P(D;;FR;;;" + bob + ")(A;OICIIO;GA;;;CO)(A;;FA;;;" + alice + ")"
	const refused = "D:P(D;;GR;;;S-1-5-5-0-1001)(A;;GA;;;WD)"
	w := newWorld(t)
	w.dir("in", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
	th := w.as(alice)
	ways := map[string]func(name, text string) ntstatus.Status{
		"create": func(name, text string) ntstatus.Status {
			h, _, st := th.NtCreateFile(call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate,
				options: fileaccess.DirectoryFile, sd: sddl.MustParse(text)}.at(`in\` + name))
			w.want(closeAny(th, h), ntstatus.Success)
			return st
		},
		"set": func(name, text string) ntstatus.Status {
			w.dir("in/"+name, "O:"+alice+"G:SYD:P(A;;FA;;;"+alice+")")
			h := w.open(th, `in\`+name, winnt.WRITE_DAC, ntstatus.Success)
			st := th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION|winnt.PROTECTED_DACL_SECURITY_INFORMATION,
				sddl.MustParse(text))
			w.want(closeAny(th, h), ntstatus.Success)
			return st
		},
		"offline": func(name, text string) ntstatus.Status {
			w.dir("in/"+name, "O:"+alice+"G:SYD:P(A;;FA;;;"+alice+")")
			o := check.Must(OpenOffline(w.path(`in\`+name), w.tree.cfg))
			defer o.Close()
			return statusOf(o.Write(sddl.MustParse("O:" + alice + "G:SY" + text)))
		},
	}
	for way, store := range ways {
		w.want(store(way, given), ntstatus.Success)
		a := w.readBack(`in\` + way)
		if want := sddl.MustParse(kept); !a.Descriptor.DACL().Equal(want.DACL()) {
			t.Errorf("%s of %s: stored as %s, want %s", way, given, formatted(a.Descriptor), kept)
		}
		check.Equal(t, store(way+"no", refused), ntstatus.InvalidACL, "%s of a denial for a logon session", way)
	}
}

// A file of an earlier version names a logon session. A change of its group alone removes the grant, a new file in
// its directory inherits none, and a stored denial blocks changes until it is removed (F-199, F-200).
func TestChangeRemovesSessionGrant(t *testing.T) {
	w := newWorld(t)
	const old = "(A;OICI;FR;;;S-1-5-5-0-1001)"
	w.dir("d", "O:"+alice+"G:SYD:P(A;OICI;FA;;;"+alice+")"+old)
	th := w.as(alice)
	q := call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate}
	w.want(closeAny(th, w.create(th, `d\f`, q, ntstatus.Success)), ntstatus.Success)
	if got, want := w.readBack(`d\f`).Descriptor.DACL(), sddl.MustParse("D:(A;;FA;;;"+alice+")").DACL(); !got.Equal(want) {
		t.Errorf("F-200: descriptor of the new file: %s, want only alice's entry",
			formatted(w.readBack(`d\f`).Descriptor))
	}
	group := func() ntstatus.Status {
		h := w.open(th, "d", winnt.WRITE_OWNER, ntstatus.Success)
		st := th.NtSetSecurityObject(h, winnt.GROUP_SECURITY_INFORMATION, sddl.MustParse("G:"+staff))
		w.want(closeAny(th, h), ntstatus.Success)
		return st
	}
	w.want(group(), ntstatus.Success)
	const mended = "O:" + alice + "G:" + staff + "D:P(A;OICI;FA;;;" + alice + ")"
	check.Equal(t, formatted(w.readBack("d").Descriptor), mended, "F-199: descriptor after a change of the group")
	w.describe("d", "O:"+alice+"G:SYD:P(D;;FW;;;S-1-5-5-0-1001)(A;OICI;FA;;;"+alice+")")
	w.want(group(), ntstatus.InvalidACL)
}

// A new file's attribute has the version of its directory's, or else the version that the configured kind of file
// server writes (F-121).
func TestNewFileHasDirectoryVersion(t *testing.T) {
	of := func(version uint16) *known {
		return &known{attribute: ntacl.Attribute{Version: version, Hash: [64]byte{1}}}
	}
	for _, c := range []struct {
		above   *known
		ignore  bool
		version uint16
		kind    uint16
	}{
		{nil, false, 4, 0}, {nil, true, 3, ntacl.HashSHA256}, {of(0), false, 4, 0}, {of(0), true, 3, ntacl.HashSHA256},
		{of(1), false, 1, 0}, {of(2), true, 2, 0}, {of(3), false, 3, ntacl.HashSHA256}, {of(3), true, 3, ntacl.HashSHA256},
		{of(4), false, 4, 0}, {of(4), true, 4, 0},
	} {
		got := (&Tree{cfg: Config{IgnorePosix: c.ignore}}).versionBelow(c.above)
		if got.Version != c.version || got.HashType != c.kind || got.Hash != [64]byte{} || got.Descriptor != nil {
			t.Errorf("F-121: version below %+v, permissions ignored %t: %+v, want version %d, hash type %d", c.above,
				c.ignore, got, c.version, c.kind)
		}
	}
}

// The written hash covers the access ACL and a directory's default ACL. A server that checks both accepts the written
// attribute (F-121).
func TestHashCoversACLs(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	w.must(os.Mkdir(w.path("d"), 0o700))
	own, inherited := posixACL(t, "user 4711 r--,mask r--"), posixACL(t, "user 4712 r-x,mask r-x")
	if err := unix.Setxattr(w.path("d"), aclAccess, own, 0); err != nil {
		t.Skipf("no POSIX ACL can be set in %s: %v", w.root, err)
	}
	w.must(unix.Setxattr(w.path("d"), aclDefault, inherited, 0))
	f := w.opened("d", fileaccess.Request{}, winnt.WRITE_DAC)
	old := check.Result(f.Descriptor())
	check.That(t, check.Result(f.SwapDescriptor(old, sddl.MustParse(aliceOnly))), "F-121: SwapDescriptor changed nothing")
	s, got := check.Must(f.stat()), w.readBack("d")
	for _, c := range []struct {
		own, inherited []byte
		intact         bool
	}{{own, inherited, true}, {nil, inherited, false}, {own, nil, false}, {inherited, own, false}} {
		v := got.Verify(infoOf(&s), c.own, c.inherited)
		check.Equal(t, v == ntacl.Intact, c.intact, "F-121: Verify with ACLs of %d and %d bytes is intact", len(c.own),
			len(c.inherited))
	}
	check.Equal(t, formatted(check.Result(f.Descriptor())), aliceOnly, "F-115: descriptor of the directory")
}
