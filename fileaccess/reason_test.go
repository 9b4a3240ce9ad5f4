package fileaccess_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Explain returns the expected reason for each kind of decision, with its text and the code for audit records (F-80).
func TestExplainReturnsReasons(t *testing.T) {
	for _, c := range []struct {
		what    string
		desired winnt.AccessMask
		setup   []setup
		bit     winnt.AccessMask
		granted bool
		text    string
		code    uint16
	}{
		{"entry", 1, nil, 1, true, "AceAllow DACL 0", 0},
		{"no entry", 2, in(o("(A;;1;;;WD)")), 2, false, "NoAce", 0},
		{"deny entry", 3, in(o("(D;;2;;;U)(A;;3;;;WD)")), 2, false, "AceDeny DACL 0", 0},
		{"allowed in addition", 3, in(o("(D;;2;;;U)(A;;3;;;WD)")), 1, true, "AceAllow DACL 1", 0},
		{"parent", 0x80, in(o("empty")), 0x80, true, "ParentAllow FILE_LIST_DIRECTORY AceAllow DACL 0", 1811},
		{"parent denies", 0x80, in(o("empty"), noP), 0x80, false, "ParentDeny FILE_LIST_DIRECTORY NoAce", 1805},
		{"deletion refused by both", 0x10000, in(o("empty")), 0x10000, false, "ParentDeny FILE_DELETE_CHILD NoAce", 1805},
		{"deletion that only a label refuses", 0x10000, in(o("(A;;FA;;;WD)S:(ML;;NW;;;HI)"), p("(A;;FA;;;WD)")),
			0x10000, false, "IntegrityPolicy SACL 0", 0},
		{"attributes, and the file refuses another right", 0x82, in(o("(A;;0x80;;;WD)")), 0x80, true,
			"ParentAllow FILE_LIST_DIRECTORY AceAllow DACL 0", 1811},
		{"attributes, and both refuse deletion", 0x10080, in(o("(A;;0x80;;;WD)")), 0x80, true,
			"ParentAllow FILE_LIST_DIRECTORY AceAllow DACL 0", 1811},
		{"attributes, and the directory allows deletion", 0x10080, in(o("(A;;0x80;;;WD)"), p("(A;;0x41;;;WD)")), 0x80,
			true, "ParentAllow FILE_LIST_DIRECTORY AceAllow DACL 0", 1811},
		{"attributes that only the file allows", 0x82, in(o("(A;;0x80;;;WD)"), noP), 0x80, true, "AceAllow DACL 0", 0},
		{"attributes that the file allows", 0x81, in(o("(A;;0x81;;;WD)")), 0x80, true, "AceAllow DACL 0", 0},
		{"attributes, and a privilege gives the other right", 0x82, in(overwrite, with(restore), o("(A;;0x80;;;WD)")), 0x80,
			true, "AceAllow DACL 0", 0},
		{"attributes, and everything", maxAllowed, in(o("(A;;0x80;;;WD)")), 0x80, true, "AceAllow DACL 0", 0},
		{"intent", 1, in(o("empty"), intent, with(backup)), 1, true, "Intent SeBackupPrivilege", 1801},
		{"intent, and another right is denied", 3, in(o("empty"), intent, with(backup)), 1, true,
			"Intent SeBackupPrivilege", 1801},
		{"intent, and the maximal rights", 0x80, in(o("empty"), intent, with(backup), askMax), 0x80, true,
			"Intent SeBackupPrivilege", 1801},
		{"implied by privilege", 1, in(overwrite, with(restore)), 2, true, "Intent SeRestorePrivilege", 1801},
		{"implied and denied", 1, in(overwrite, o("(A;;1;;;WD)")), 2, false, "NoAce", 0},
		{"generic execute", winnt.GENERIC_EXECUTE, in(observed, o("(A;;FA;;;WD)")), 0x20, true, "AceAllow DACL 0", 0},
		{"creator", 1, in(create, missing, parentFull), 1, true, "Creator", 1801},
		{"creator of a file whose owner is refused", 1, in(create, missing, parentFull, creatorSD("O:SYD:")), 1, true,
			"Creator", 1801},
		{"creator, and the maximal rights", 0x10000, in(create, missing, parentFull, creatorSD("D:"), askMax), 0x10000, true,
			"Creator", 1801},
		{"creation denied", 1, in(create, missing), 1, false, "ParentDeny FILE_ADD_FILE", 1812},
		{"read-only", 2, in(isReadOnly), 2, false, "ReadOnlyAttribute", 1805},
		{"read-only, maximum", maxAllowed, in(isReadOnly), 2, false, "ReadOnlyAttribute", 1805},
		{"read-only, reading", 3, in(isReadOnly), 1, false, "Unreached", 1809},
		{"read-only, deletion", 0x10000, in(isReadOnly, deleteOnClose), 0x10000, false, "ReadOnlyAttribute", 1805},
		{"both read-only, deletion", 0x10000, in(isReadOnly, readOnlyVol, deleteOnClose), 0x10000, false,
			"ReadOnlyAttribute", 1805},
		{"read-only volume, deletion", 0x10000, in(readOnlyVol, deleteOnClose), 0x10000, false, "ReadOnlyVolume", 1805},
		{"both read-only", maxAllowed, in(isReadOnly, readOnlyVol), 2, false, "ReadOnlyAttribute", 1805},
		{"read-only volume", maxAllowed, in(readOnlyVol), 2, false, "ReadOnlyVolume", 1805},
		{"share", maxAllowed, in(share("0x1200A9")), 2, false, "ShareMask", 1805},
		{"share refuses", 2, in(share("0x1200A9")), 2, false, "ShareMask", 1805},
		{"share refuses a right other than that on the SACL", 0x1000002, in(share("0x1200A9")), 0x1000000, false,
			"Unreached", 1809},
		{"share and file refuse", maxAllowed, in(share("0x1200A9"), o("(A;;1;;;WD)")), 2, false, "NoAce", 0},
		{"overwriting outside the share, and an implied right in it", 1, in(overwrite, share("0x1200B9")), 0x10, true,
			"AceAllow DACL 0", 0},
		{"share allows, and refuses another right", 3, in(share("0x1200A9")), 1, false, "Unreached", 1809},
		{"overwriting outside the share", 1, in(overwrite, share("0x1200A9")), 2, false, "ShareMask", 1805},
		{"traverse", 1, in(twoDirs, noChangeNotify), 1, false, "Traverse 0", 1805},
		{"attributes", 1, in(overwrite, attributes(hidden)), 1, false, "AttributeMismatch", 1805},
		{"no descriptor", 1, in(func(s *situation) { s.f.Object.Descriptor = nil }), 1, false, "NoDescriptor", 1809},
		{"unreached", 1, in(missing), 1, false, "Unreached", 1809},
		{"privilege", 0x1000000, nil, 0x1000000, false, "Privilege SeSecurityPrivilege", 0},
	} {
		s := newSituation(t)
		s.apply(c.setup)
		s.r.Desired = c.desired
		_, x := fileaccess.Explain(s.r, s.f)
		r, ok := x.Reason(c.bit)
		check.That(t, ok && r.Granted == c.granted && r.Reason.String() == c.text && r.Reason.Message() == c.code,
			"%s: granted %v, reason %q, code %d; want %v, %q, %d", c.what, r.Granted, r.Reason, r.Reason.Message(), c.granted,
			c.text, c.code)
	}
	// The option FILE_DIRECTORY_FILE decides the names only if the object does not exist.
	for name, situations := range map[string][][]setup{"FILE_READ_DATA": {in(dirOption), in(missing, create)},
		"FILE_LIST_DIRECTORY": {in(directory), in(missing, create, dirOption)}} {
		for i, setup := range situations {
			s := newSituation(t)
			s.apply(setup)
			s.r.Desired = 1
			_, x := fileaccess.Explain(s.r, s.f)
			check.That(t, len(x.Reasons) == 1 && strings.Contains(x.String(), name),
				"situation %d: explanation of a request for one right:\n%s\nwant only %s", i, x, name)
		}
	}
	_, ok := new(fileaccess.Explanation).Reason(1)
	check.That(t, !ok, "a zero Explanation has a reason, want none")
	check.Equal(t, fmt.Sprint(fileaccess.ReasonKind(0), fileaccess.Unreached+1, fileaccess.LossKind(0),
		fileaccess.LossTraverse+1, fileaccess.CopyTo, fileaccess.SetVolumeInformation+1),
		"ReasonKind(0) ReasonKind(13) LossKind(0) LossKind(15) CopyTo Operation(25)", "kinds and operations")
}

// The words of each kind of reason are a clause for people, without the name of the kind.
func TestReasonsHaveWords(t *testing.T) {
	list, add := winnt.FILE_LIST_DIRECTORY, winnt.FILE_ADD_FILE
	for _, c := range []struct {
		reason  fileaccess.Reason
		granted bool
		want    string
	}{
		{fileaccess.Reason{Kind: fileaccess.FromAccess, Access: access.Reason{Kind: access.NoAce}}, false,
			"no entry grants it"},
		{fileaccess.Reason{Kind: fileaccess.Intent, Privilege: winnt.SeBackupPrivilege}, true, "SeBackupPrivilege grants it"},
		{fileaccess.Reason{Kind: fileaccess.ParentAllow, Right: list,
			Access: access.Reason{Kind: access.AceAllow, List: "DACL"}}, true,
			"the directory decides: entry 1 of the DACL allows FILE_LIST_DIRECTORY"},
		{fileaccess.Reason{Kind: fileaccess.ParentAllow, Right: list}, true, "the directory grants FILE_LIST_DIRECTORY"},
		{fileaccess.Reason{Kind: fileaccess.ParentDeny, Right: add, Access: access.Reason{Kind: access.NoAce}}, false,
			"the directory decides: no entry grants FILE_ADD_FILE"},
		{fileaccess.Reason{Kind: fileaccess.ParentDeny, Right: add}, false, "the directory does not grant FILE_ADD_FILE"},
		{fileaccess.Reason{Kind: fileaccess.ShareMask}, false, "the share does not allow it"},
		{fileaccess.Reason{Kind: fileaccess.ReadOnlyAttribute}, false, "the file is read-only"},
		{fileaccess.Reason{Kind: fileaccess.ReadOnlyVolume}, false, "the volume is read-only"},
		{fileaccess.Reason{Kind: fileaccess.Creator}, true, "the creator of a file gets what it requests"},
		{fileaccess.Reason{Kind: fileaccess.TraverseDenied, Component: 1}, false,
			"directory 2 of the path may not be traversed"},
		{fileaccess.Reason{Kind: fileaccess.AttributeMismatch}, false,
			"the file is hidden or system, and the request does not repeat that attribute"},
		{fileaccess.Reason{Kind: fileaccess.NoDescriptor}, false, "the object has no descriptor, which grants nothing"},
		{fileaccess.Reason{Kind: fileaccess.Unreached}, false, "the open was refused before this right was checked"},
		{fileaccess.Reason{}, false, "ReasonKind(0)"},
	} {
		check.Equal(t, c.reason.Words(c.granted), c.want, "words of %v", c.reason.Kind)
	}
	s := newSituation(t)
	s.apply(in(create, missing))
	s.r.Desired = winnt.FILE_WRITE_DATA
	_, x := fileaccess.Explain(s.r, s.f)
	check.That(t, strings.Contains(x.String(), "refused  the directory does not grant FILE_ADD_FILE") &&
		x.Desired == winnt.FILE_WRITE_DATA, "explanation of a request for %v:\n%s", x.Desired, x)
	s.apply(in(overwrite, with(restore), func(s *situation) { s.f.Object = newSituation(t).f.Object }))
	_, x = fileaccess.Explain(s.r, s.f)
	const first = "GRANTED 0x112 FILE_WRITE_DATA|FILE_WRITE_EA|FILE_WRITE_ATTRIBUTES" +
		", implied FILE_WRITE_DATA|FILE_WRITE_EA|FILE_WRITE_ATTRIBUTES, used SeRestorePrivilege\n"
	check.That(t, strings.HasPrefix(x.String(), first) && strings.Contains(x.String(), "granted  SeRestorePrivilege"),
		"explanation of an overwrite:\n%s", x)
	_, ok := x.Reason(winnt.FILE_WRITE_DATA | winnt.FILE_WRITE_EA)
	check.That(t, !ok, "Reason of two bits has a row, want none")
	s.apply(in(share("0x1200A9")))
	s.r.Desired = winnt.FILE_READ_DATA
	_, x = fileaccess.Explain(s.r, s.f)
	const denied = "DENIED STATUS_ACCESS_DENIED by F-8, implied FILE_WRITE_DATA|FILE_WRITE_EA|FILE_WRITE_ATTRIBUTES" +
		", used SeRestorePrivilege\n"
	check.That(t, strings.HasPrefix(x.String(), denied), "explanation of a denied overwrite:\n%s", x)
}
