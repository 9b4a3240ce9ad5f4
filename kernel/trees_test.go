package kernel

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// The name of a tree is a link to its device. Its case is preserved (F-110). Everybody may query the link and read the
// device.
func TestTreeNameLinksToItsDevice(t *testing.T) {
	s := Boot(Config{})
	check.NoError(t, s.AddTree("MiXed", struct{ nt.FileSystem }{}))
	_, th := worker(t, s)
	link := check.Result(th.NtOpenSymbolicLinkObject(winnt.SYMBOLIC_LINK_QUERY,
		&nt.ObjectAttributes{ObjectName: `\GLOBAL??\MiXed`}))
	if target, st := th.NtQuerySymbolicLinkObject(link); target != `\Device\MiXed` || st != ntstatus.Success {
		t.Errorf(`target of \GLOBAL??\MiXed: %q, %v; want %q, %v`, target, st, `\Device\MiXed`, ntstatus.Success)
	}
	check.Success(t, th.NtClose(link)) // the name stays
	_, st := th.NtOpenSymbolicLinkObject(winnt.SYMBOLIC_LINK_QUERY, &nt.ObjectAttributes{ObjectName: `\GLOBAL??\MiXed`})
	check.Equal(t, st, ntstatus.Success, "opening the link again")
	for name, want := range map[string]string{`GLOBAL??`: "O:BAG:SYD:(A;;0x20001;;;WD)(A;;0xf0001;;;SY)",
		`Device`: "O:BAG:SYD:(A;;0x1200a9;;;WD)(A;;FA;;;SY)(A;;FA;;;BA)"} {
		directory := s.sys.Root.Lookup(name, false)
		object := directory.Object().(*ob.Directory).Lookup("MiXed", false)
		check.That(t, object.Security().Equal(sddl.MustParse(want)), `descriptor of \%s\MiXed: %v, want %s`, name,
			check.Must(sddl.Format(object.Security(), sddl.Options{})), want)
		object.Deref(ob.TagCall)
		directory.Deref(ob.TagCall)
	}
	check.NoError(t, s.Close())
}

// If the name of a device is taken, the tree gets no link either (F-110).
func TestFailedTreeLeavesNoLink(t *testing.T) {
	s := Boot(Config{})
	_, th := worker(t, s)
	h := s.sys.Root.Lookup("Device", false)
	other := ob.NewSymbolicLink(`\x`, nil)
	st := h.Object().(*ob.Directory).Insert("taken", other, true)
	check.Require(t, st, ntstatus.Success, "Insert")
	check.That(t, s.AddTree("taken", struct{ nt.FileSystem }{}) != nil,
		"AddTree with the name of another object succeeds, want an error")
	_, st = th.NtOpenSymbolicLinkObject(winnt.SYMBOLIC_LINK_QUERY, &nt.ObjectAttributes{ObjectName: `\GLOBAL??\taken`})
	check.Equal(t, st, ntstatus.ObjectNameNotFound, "NtOpenSymbolicLinkObject after the failed AddTree")
	h.Deref(ob.TagCall)
	other.Deref(ob.TagCall)
	check.NoError(t, s.Close())
}

// lone is a tree of one directory. It is its own open file, and keeps how it was last renamed. Its other methods panic.
type lone struct {
	nt.OpenFile
	replace, intent bool
}

func (s *lone) Find(*fileaccess.Request, nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	return place{s}, ntstatus.Success
}

func (s *lone) Move(m *nt.FileMove) ntstatus.Status {
	q := fileaccess.Move{Target: *place{s}.Facts()}
	m.Decide(&q)
	s.replace, s.intent = m.Replace, q.Intent
	return ntstatus.Success
}

func (*lone) Close() {}

type place struct{ of *lone }

func (place) Facts() *fileaccess.Facts {
	return &fileaccess.Facts{Object: fileaccess.Object{Exists: true, IsDirectory: true, VolumeRoot: true,
		Attributes: fileaccess.AttributeDirectory, Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;SY)")}}
}

func (place) Path() string { return "" }

func (p place) Open(*fileaccess.Request, *fileaccess.Decision) (nt.OpenFile, bool, ntstatus.Status) {
	return p.of, false, ntstatus.Success
}

func (place) Release() {}

// A POSIX rename replaces, and counts the restore privilege, only if the caller asks for it (F-209).
func TestPosixRenameKeepsItsOptions(t *testing.T) {
	s, tree := Boot(Config{}), &lone{}
	check.NoError(t, s.AddTree("T", tree))
	_, th := worker(t, s)
	h := check.Result(th.NtOpenFile(winnt.DELETE, &nt.ObjectAttributes{ObjectName: `\??\T\`}, 7, 0))
	for _, options := range [][2]bool{{true, false}, {false, true}} {
		check.Success(t, s.RenamePosix(th, h, `\??\T\x`, nil, options[0], options[1]))
		check.Equal(t, [2]bool{tree.replace, tree.intent}, options, "replaces, counts the restore privilege")
	}
	check.NoError(t, s.Close())
}

// A tree needs a name without a backslash that no other tree has. It keeps its name when the last handle is closed
// (F-110).
func TestTreeNeedsFreeName(t *testing.T) {
	s := Boot(Config{})
	tree := &lone{}
	check.NoError(t, s.AddTree("T", tree))
	for name, c := range map[string]struct {
		tree nt.FileSystem
		want ntstatus.Status
	}{
		"": {tree, ntstatus.ObjectNameInvalid}, `a\b`: {tree, ntstatus.ObjectNameInvalid},
		"U": {nil, ntstatus.ObjectNameInvalid}, "t": {tree, ntstatus.ObjectNameCollision},
	} {
		err := s.AddTree(name, c.tree)
		check.That(t, err != nil && errors.Is(err, c.want.Err()), "AddTree(%q): %v, want %v", name, err, c.want)
	}
	_, th := worker(t, s)
	for range 2 {
		for _, device := range []string{`\??\T\`, `\Device\T\`} {
			h := check.Result(th.NtOpenFile(winnt.FILE_READ_ATTRIBUTES, &nt.ObjectAttributes{ObjectName: device}, 7, 0))
			check.Success(t, th.NtClose(h))
		}
	}
	check.NoError(t, s.Close())
}
