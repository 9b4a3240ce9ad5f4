package fileaccess_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// F-3: the Unix super-user has no special rights.
func TestNoSuperUser(t *testing.T) {
	d, _ := open(t, 1, o("(A;;FA;;;BA)"), func(s *situation) { s.token.User.SID = sid.MustParse("S-1-22-1-0") })
	if d.Status() != denied {
		t.Errorf("F-3: %+v", d)
	}
}

// F-101: a nil descriptor gives nothing, as in package access, and no security is
// asked for in words; who cannot ask has nothing.
func TestCanEdges(t *testing.T) {
	s := access.SubjectOf(mustToken(t, baseSpec()))
	if got := fileaccess.Can(&s, nil, 0x031F01FF, nil); got != 0 {
		t.Errorf("no descriptor: %v", got)
	}
	if got := fileaccess.Can(&s, sd.NoSecurity, 0x031F01FF, nil); got != 0x1F01FF {
		t.Errorf("no security: %v", got)
	}
	spec := baseSpec()
	spec.Privileges, spec.EnabledPrivileges = security.Bit(), security.Bit()
	holder := access.SubjectOf(mustToken(t, spec))
	if got := fileaccess.Can(&holder, nil, 0x011F01FF, nil); got != 0 {
		t.Errorf("no descriptor, SeSecurity: %v", got)
	}
	if got := fileaccess.Can(&holder, sd.NoSecurity, 0x011F01FF, nil); got != 0x011F01FF {
		t.Errorf("no security, SeSecurity: %v", got)
	}
	if got := fileaccess.Can(&s, aces(t, "(A;;FR;;;WD)"), 0xC0000000, nil); got != 0x120089 { // F-1
		t.Errorf("generic: %v", got)
	}
	// MAXIMUM_ALLOWED widens nothing: each right is asked about alone (F-2).
	if got := fileaccess.Can(&s, aces(t, "(A;;FR;;;WD)"), winnt.GENERIC_READ|maxAllowed, nil); got != 0x120089 {
		t.Errorf("generic reading alone: %v", got)
	}
	s.Level = winnt.SecurityIdentification
	if fileaccess.Can(&s, sd.NoSecurity, 1, nil) != 0 ||
		fileaccess.Can(&access.Subject{}, sd.NoSecurity, 1, nil) != 0 ||
		fileaccess.Visible(&s, sd.NoSecurity, 0x1F01FF, nil) {
		t.Error("a subject that cannot ask has rights")
	}
	if d := fileaccess.Open(&fileaccess.Request{Desired: 1}, &fileaccess.Facts{}); d.Status() != ntstatus.NoToken {
		t.Errorf("no subject: %+v", d)
	}
}

// F-5: the connect, and the two descriptors a share may have.
func TestConnect(t *testing.T) {
	s := access.SubjectOf(mustToken(t, baseSpec()))
	for _, c := range []struct {
		share fileaccess.Share
		want  fileaccess.Tree
		st    ntstatus.Status
	}{
		{fileaccess.Share{Descriptor: sd.NoSecurity}, fileaccess.Tree{Maximal: 0x1F01FF, Told: 0x1F01FF}, 0},
		{fileaccess.Share{}, fileaccess.Tree{}, denied},
		{fileaccess.Share{Descriptor: aces(t, "(A;;0x1200A9;;;WD)")},
			fileaccess.Tree{Maximal: fileaccess.ShareReadRights, Told: 0x1200A9}, 0},
		{fileaccess.Share{Descriptor: aces(t, "(A;;0x1301BF;;;WD)"), Told: aces(t, "(A;;FA;;;U)")},
			fileaccess.Tree{Maximal: fileaccess.ShareChangeRights, Told: 0x1F01FF}, 0},
		{fileaccess.Share{Descriptor: aces(t, "(A;;FA;;;BA)")}, fileaccess.Tree{}, denied},
		// what was found before does not count
		{fileaccess.Share{Descriptor: aces(t, "(A;;FA;;;BA)"), Maximal: 0x1F01FF}, fileaccess.Tree{}, denied},
	} {
		if got, st := fileaccess.Connect(&s, &c.share, nil); got != c.want || st != c.st {
			t.Errorf("F-5 %+v: %+v %v", c.share, got, st)
		}
	}
	if _, st := fileaccess.Connect(&access.Subject{}, &fileaccess.Share{}, nil); st != ntstatus.NoToken {
		t.Error(st)
	}
	s.Level = winnt.SecurityIdentification
	if _, st := fileaccess.Connect(&s, &fileaccess.Share{}, nil); st != ntstatus.BadImpersonationLevel {
		t.Error(st)
	}
	if d, _ := open(t, 1, share("FA"), func(s *situation) {
		s.f.Share.Descriptor = aces(t,
			"(A;;FA;;;BA)")
	}); d.Status() != denied || d.Rule != "F-5" {
		t.Errorf("F-5: %+v", d)
	}
	// A share gives rights of files: one that gives the SACL alone gives nothing.
	if d, _ := open(t, 1, share("FA"), func(s *situation) { s.f.Share.Maximal = 0x01000000 }); d.Rule != "F-5" {
		t.Errorf("F-5, the SACL alone: %+v", d)
	}
	if d, _ := open(t, 3, share("FA"), func(s *situation) { s.f.Share.Maximal = 0x1200A9 }); d.Rule != "F-6" {
		t.Errorf("F-5, found at the connect: %+v", d)
	}
	if d, _ := open(t, 3, share("0x1200A9"), func(s *situation) { s.f.Share.NoGate = true }); d.Granted != 1 {
		t.Errorf("F-8 without the gate: %+v", d)
	}
}

// F-7: what the server cleans up, the store would refuse.
func TestServerCleansUp(t *testing.T) {
	sync := options(fileaccess.SynchronousIOAlert | fileaccess.SynchronousIONonalert)
	unbuffered := options(fileaccess.NoIntermediateBuffering)
	if d, _ := open(t, 1, smb, sync); d.Granted != 1 {
		t.Errorf("F-7: %+v", d)
	}
	if d, _ := open(t, 1, sync); d.Rule != "F-10" {
		t.Errorf("F-10: %+v", d)
	}
	if d, _ := open(t, 5, smb, unbuffered); d.Granted != 1 {
		t.Errorf("F-7: %+v", d)
	}
	if d, _ := open(t, 4, smb, unbuffered); d.Rule != "F-11" {
		t.Errorf("F-7, nothing left: %+v", d)
	}
	if d, _ := open(t, 5, unbuffered); d.Rule != "F-10" {
		t.Errorf("F-10: %+v", d)
	}
}

// F-10: one fault at a time.
func TestInvalidParameters(t *testing.T) {
	for name, fault := range map[string]setup{
		"option":      options(0x01000000),
		"attribute":   asked(0x40),
		"disposition": disposition(6),
		"share":       func(s *situation) { s.r.Share = 8 },
		"sync":        options(fileaccess.SynchronousIOAlert),
		"directory":   func(s *situation) { options(fileaccess.DirectoryFile | fileaccess.NoIntermediateBuffering)(s) },
	} {
		if d, _ := open(t, 1, fault); d.Status() != invalid || d.Rule != "F-10" {
			t.Errorf("F-10 %s: %+v", name, d)
		}
	}
	if d, _ := open(t, 0x100001, options(fileaccess.SynchronousIOAlert)); d.Granted != 0x100001 {
		t.Errorf("with SYNCHRONIZE: %+v", d)
	}
	if d, _ := open(t, 1, options(0x804)); d.Granted != 1 { // sequential, random: hints
		t.Errorf("hints: %+v", d)
	}
}

// F-13: names.
func TestNames(t *testing.T) {
	long := strings.Repeat("x", 255)
	for name, want := range map[string]bool{
		"": true, `\`: true, "f": true, `a\b\c`: true, `d\`: true, "f:s": true, "f:s:$DATA": true, "f::$data": true,
		"d::$INDEX_ALLOCATION": true, "d:$I30:$INDEX_ALLOCATION": true,
		"d:s:$INDEX_ALLOCATION": false, "d:$I30:$DATA": true, "d:$I30:$BAD": false, "d::$BAD": false, "d::": false,
		long: true, "ä€😀": true, strings.Repeat("😀", 127): true, strings.Repeat("é", 255): true,
		strings.Repeat("€", 255): true, strings.Repeat("é", 256): false, " .x": true, "...": true, "f:a?b": true,
		`\\`: false, `a\\b`: false, `\a`: false, ".": false, `a\..\b`: false, "f:": false, "f:s:$BAD": false,
		"f:s:$DATA:x": false, "f:a/b": false, ":s": false, `a:s\b`: false,
		long + "x": false, strings.Repeat("😀",
			128): false, "a\x1f": false, "a\x00": false, "a*": false, `a"`: false, "a/b": false, "a<": false,
		"a>": false,
		"a?": false, "a|b": false, "f:" + long + "x": false, "f:\x00": false,
	} {
		if fileaccess.ValidName(name) != want {
			t.Errorf("F-13 %q: %v", name, !want)
		}
		d, _ := open(t, 1, func(s *situation) { s.r.Name = name })
		if want != d.Allowed() || !want && d.Rule != "F-13" {
			t.Errorf("F-13 %q: %+v", name, d)
		}
	}
	if d, _ := open(t, 1, nonDirOption,
		func(s *situation) { s.r.Name = `f\` }); d.Status() != ntstatus.ObjectNameInvalid {
		t.Errorf("F-13: %+v", d)
	}
	if d, _ := open(t, 1, byID, func(s *situation) { s.r.Name = "\x01\x02\\" }); !d.Allowed() {
		t.Errorf("F-13, a number: %+v", d)
	}
	r := fileaccess.Request{Name: `a\b\c`}
	for at, want := range []string{`\b\c`, `\c`, ""} {
		if got := r.Unparsed(at); got != want {
			t.Errorf("Unparsed(%d) = %q", at, got)
		}
	}
}

// TestStoppedAt: a refusal tells the component of the path that refused, and the number
// of components where the last name did (F-22, F-23, F-26, F-27).
func TestStoppedAt(t *testing.T) {
	all := path("(A;;FA;;;WD)", "(A;;FA;;;WD)", "(A;;FA;;;WD)")
	at := func(i int, change func(*fileaccess.Component)) setup { return component(i, change) }
	for _, c := range []struct {
		name string
		do   setup
		want int
		rule string
	}{
		{"the first is missing", at(0, func(c *fileaccess.Component) { c.Exists = false }), 0, "F-22"},
		{"the second is a link", at(1, func(c *fileaccess.Component) { c.SymbolicLink = true }), 1, "F-22"},
		{"the third is no directory", at(2, func(c *fileaccess.Component) { c.IsDirectory = false }), 2, "F-22"},
		{"the second cannot be passed", at(1, func(c *fileaccess.Component) { c.Descriptor = aces(t, "empty") }), 1,
			"F-23"},
		{"the last name is missing", func(s *situation) { s.f.Object.Exists = false }, 3, "F-26"},
		{"the last name is no directory", options(fileaccess.DirectoryFile), 3, "F-27"},
	} {
		d, _ := open(t, 1, all, always, c.do)
		if d.Allowed() || d.StoppedAt != c.want || d.Rule != c.rule {
			t.Errorf("%s: %v by %s at %d, want %s at %d", c.name, d.Status(), d.Rule, d.StoppedAt, c.rule, c.want)
		}
	}
}

// F-22: a malformed stream name on the way comes before everything.
func TestBadStreamOnTheWay(t *testing.T) {
	d, _ := open(t, 1, path("(A;;FA;;;WD)", "(A;;FA;;;WD)"),
		component(1, func(c *fileaccess.Component) { c.BadStream, c.Exists = true, false }))
	if d.Status() != ntstatus.ObjectNameInvalid || d.StoppedAt != 1 {
		t.Errorf("F-22: %+v", d)
	}
}

// F-24 and F-25: passing is not listing, and a name is told to those who may
// pass.
func TestPassingIsNotListing(t *testing.T) {
	for _, c := range []struct {
		h    fileaccess.Handle
		op   fileaccess.Operation
		want ntstatus.Status
	}{
		{fileaccess.Handle{Granted: 0x20, Directory: true}, fileaccess.Enumerate, denied}, // F-24
		{fileaccess.Handle{Granted: 1, Directory: true}, fileaccess.ChangeNotify, 0},
		{fileaccess.Handle{Granted: 1, ByID: true}, fileaccess.QueryName, denied}, // F-25
		{fileaccess.Handle{Granted: 0x20, ByID: true}, fileaccess.QueryName, 0},
		{fileaccess.Handle{Granted: 1}, fileaccess.QueryName, 0},
	} {
		if got := c.h.May(c.op); got != c.want {
			t.Errorf("%+v %v: %v", c.h, c.op, got)
		}
	}
	if d, _ := open(t, 1, byID,
		func(s *situation) { noChangeNotify(s); twoDirs(s) }); d.Granted != 1 { // F-25: no path
		t.Errorf("F-25: %+v", d)
	}
}

// F-30: what cannot be made.
func TestCreationRefused(t *testing.T) {
	if d, _ := open(t, 1, create, missing, dirOption, asked(fileaccess.AttributeTemporary),
		parentFull); d.Status() != invalid || d.Rule != "F-30" {
		t.Errorf("F-30: %+v", d)
	}
}

// F-30: each half of what cannot be made can be.
func TestCreationGranted(t *testing.T) {
	for name, do := range map[string]setup{
		"a temporary file, with an option": func(s *situation) {
			options(fileaccess.NonDirectoryFile)(s)
			asked(fileaccess.AttributeTemporary)(s)
		},
		"a directory":                     dirOption,
		"a read-only file":                asked(fileaccess.AttributeReadOnly),
		"a file that is deleted on close": options(fileaccess.DeleteOnClose),
	} {
		if d, _ := open(t, winnt.DELETE, create, missing, parentFull, do); !d.Allowed() {
			t.Errorf("F-30: %s: %v by %s", name, d.Status(), d.Rule)
		}
	}
}

// F-32: inheritance is marked only where the directory's own list is.
func TestNewDescriptor(t *testing.T) {
	for _, c := range []struct{ parent, dir, want string }{
		{"D:(A;OICI;FA;;;WD)", "", "D:(A;;FA;;;WD)"},
		{"D:AI(A;OICI;FA;;;WD)", "", "D:AI(A;ID;FA;;;WD)"},
		{"D:PAI(A;OICI;FA;;;WD)", "d", "D:AI(A;OICIID;FA;;;WD)"},
	} {
		d, _ := open(t, 1, create, missing, func(s *situation) {
			s.f.Parent.Descriptor = sddl.MustParse("O:BAG:SY" + c.parent)
			if c.dir != "" {
				dirOption(s)
			}
		})
		if d.NewSD == nil {
			t.Fatalf("F-32: %+v", d)
		}
		text, err := sddl.Format(sd.Select(d.NewSD, winnt.DACL_SECURITY_INFORMATION), sddl.Options{})
		if err != nil || text != c.want || d.NewSD.Owner() != caseU || d.NewSD.Group() != caseG {
			t.Errorf("F-32 %s: %s %v", c.parent, text, err)
		}
	}
	// What the creator names is not compared with what it gives.
	d, _ := open(t, 0x1F01FF, create, missing, parentFull, creatorSD("D:"))
	if d.Granted != 0x1F01FF {
		t.Errorf("F-32: %+v", d)
	}
}

// F-33: the named stream's column.
func TestStreams(t *testing.T) {
	there := func(s *situation) { s.f.Object.Stream, s.f.Object.StreamExists = true, true }
	for _, c := range []struct {
		what   string
		setup  []setup
		want   winnt.AccessMask
		status ntstatus.Status
	}{
		{"overwrite", in(overwrite, there), 3, 0},
		{"overwriteIf", in(overwriteIf, there), 3, 0},
		{"supersede", in(supersede, there), 0x10001, 0},
		{"create", in(create, there), 0, collision},
		{"create missing", in(create, streamMissing), 3, 0},
		{"open missing", in(streamMissing), 0, notFound},
		{"overwrite missing", in(overwrite, streamMissing), 0, notFound},
		{"supersede missing", in(supersede, streamMissing), 3, 0},
		{"read-only volume", in(openIf, streamMissing, readOnlyVol), 0, protected},
		{"stream of a directory", in(overwrite, there, directory), 3, 0},
		{"not a directory", in(dirOption, there, directory), 0, ntstatus.NotADirectory},
	} {
		if d, _ := open(t, 1, c.setup...); d.Granted != c.want || d.Status() != c.status {
			t.Errorf("F-33 %s: %+v", c.what, d)
		}
	}
}

// F-45: a new object's maximal access is that of its descriptor; Maximal does
// the same without an open.
func TestMaximalAccess(t *testing.T) {
	d, _ := open(t, maxAllowed, create, missing, askMax, p("(A;;0x2;;;U)(A;OI;FR;;;G)"))
	if d.Granted != 0x1F01FF || d.Max.Access != 0x160089 { // FR, and the owner's two
		t.Errorf("F-45: %v %+v", d.Granted, d.Max)
	}
	_, s := open(t, 1, share("0x1301BF"), isReadOnly)
	if got := fileaccess.Maximal(&s.r.Subject, s.f); got != (fileaccess.MaximalAccess{Access: 0x1301BF,
		Verdict: ntstatus.Decided(ntstatus.Success)}) {
		t.Errorf("F-45: %+v", got)
	}
	if got := fileaccess.Maximal(&access.Subject{}, s.f); got.Status() != ntstatus.NoToken {
		t.Errorf("no subject: %+v", got)
	}
	s.r.Subject.Level = winnt.SecurityIdentification
	if got := fileaccess.Maximal(&s.r.Subject, s.f); got.Status() != ntstatus.BadImpersonationLevel {
		t.Errorf("level: %+v", got)
	}
}

// F-48: a directory without other opens is asked itself; with
// DISALLOW_EXCLUSIVE the open fails.
func TestExclusive(t *testing.T) {
	disallow := options(fileaccess.DisallowExclusive)
	read := o("(A;;FR;;;WD)")
	others := func(s *situation) { s.f.Object.OtherOpens = true }
	for _, c := range []struct {
		what   string
		setup  []setup
		status ntstatus.Status
		force  bool
	}{
		{"file", in(exclusive, disallow), 0, true},
		{"directory, writable", in(exclusive, directory), 0, false},
		{"directory, readable", in(exclusive, directory, read), 0, true},
		{"disallowed", in(exclusive, directory, read, disallow), denied, false},
		{"others, parent writable", in(exclusive, directory, read, others, parentFull), 0, false},
		{"others", in(exclusive, directory, others), 0, true},
		{"shared", in(directory, read), 0, false},
		{"by id", in(exclusive, byID, parentFull), 0, true},
	} {
		if d, _ := open(t, 1, c.setup...); d.Status() != c.status || d.ForceShareRead != c.force {
			t.Errorf("F-48 %s: %+v", c.what, d)
		}
	}
}

// F-49: opens for attributes alone conflict with no other.
func TestSharesModes(t *testing.T) {
	for m, want := range map[winnt.AccessMask]bool{1: true, 2: true, 4: true, 0x20: true, 0x10000: true,
		0x100080: false, 0x60198: false} {
		if fileaccess.SharesModes(m) != want {
			t.Errorf("F-49 %v", m)
		}
	}
}

// F-35: the hidden and the system attribute alone must be said again.
func TestReplacedAttributes(t *testing.T) {
	const more = fileaccess.AttributeArchive | fileaccess.AttributeTemporary | 0x2000 // not content indexed
	for _, how := range []fileaccess.Disposition{fileaccess.FileOverwrite, fileaccess.FileSupersede} {
		if d, _ := open(t, 2, disposition(how), attributes(more|hidden), asked(hidden)); !d.Allowed() {
			t.Errorf("F-35: disposition %d: %+v", how, d)
		}
		if d, _ := open(t, 2, disposition(how), attributes(more|hidden), asked(more)); d.Rule != "F-35" {
			t.Errorf("F-35: disposition %d of a hidden file: %+v", how, d)
		}
	}
}

// F-51: the owner and the label are for the token of who acts to give, a client's where there is one; the
// privilege to restore assigns any owner, and gives no label.
func TestSetSecurityAsClient(t *testing.T) {
	restorer := baseSpec()
	restorer.Privileges |= restore.Bit()
	restorer.EnabledPrivileges = restorer.Privileges
	server := baseSpec()
	server.User.SID, server.Type, server.Level = sid.LocalSystem, winnt.TokenPrimary, 0
	client := access.SubjectOf(mustToken(t, baseSpec()))
	client.Primary = mustToken(t, server)
	for _, c := range []struct {
		subject access.Subject
		info    uint32
		text    string
		want    ntstatus.Status
	}{
		{client, 1, "O:SY", ntstatus.InvalidOwner}, {client, 1, "O:" + caseU.String(), 0},
		{access.SubjectOf(mustToken(t, server)), 1, "O:SY", 0},
		{access.SubjectOf(mustToken(t, restorer)), 1, "O:SY", 0},
		{access.SubjectOf(mustToken(t, restorer)), 0x10, "S:(ML;;NW;;;HI)", notHeld},
	} {
		_, st := fileaccess.SetSecurity(&fileaccess.Handle{Granted: 0x011F01FF}, &fileaccess.SecurityChange{
			Information: c.info, Old: aces(t, "(A;;FA;;;WD)"), New: sddl.MustParse(c.text), Subject: c.subject})
		if st != c.want {
			t.Errorf("F-51 %s by %v: %v, want %v", c.text, c.subject.Effective().User().SID, st, c.want)
		}
	}
}

// F-51 and F-52.
func TestSetSecurity(t *testing.T) {
	old := aces(t, "(A;;FA;;;WD)")
	all := fileaccess.Handle{Granted: 0x011F01FF}
	subject := access.SubjectOf(mustToken(t, baseSpec()))
	set := func(info uint32, text string, h *fileaccess.Handle) (*sd.Descriptor, ntstatus.Status) {
		return fileaccess.SetSecurity(h, &fileaccess.SecurityChange{Information: info, Old: old,
			New: sddl.MustParse(text), Subject: subject})
	}
	for _, c := range []struct {
		info uint32
		text string
		want ntstatus.Status
	}{
		{1, "O:" + caseU.String(), 0}, {1, "O:BA", ntstatus.InvalidOwner}, {1, "D:", ntstatus.InvalidOwner}, // F-51
		{0x10, "S:(ML;;NW;;;ME)", 0}, {0x10, "S:(ML;;NW;;;HI)", notHeld}, // F-51
		{4, "D:(A;;FR;;;WD)", 0},
	} {
		d, st := set(c.info, c.text, &all)
		if st != c.want || st == 0 && d == nil {
			t.Errorf("F-51 %q: %v", c.text, st)
		}
	}
	// F-52: the old value is as it was, and the handle keeps its rights.
	d, _ := set(4, "D:", &all)
	if d.DACL().Len() != 0 || old.DACL().Len() != 1 || all.May(fileaccess.Write) != 0 {
		t.Error("F-52")
	}
	if _, st := fileaccess.SetSecurity(&all, &fileaccess.SecurityChange{Information: 4, Old: old,
		New: old}); st != ntstatus.NoToken {
		t.Error(st)
	}
	if got := fileaccess.QueryRights(0x80000000) | fileaccess.QueryRights(0x40000000); got != 0x01020000 { // F-50
		t.Errorf("F-50: %v", got)
	}
	for info, want := range map[uint32]winnt.AccessMask{1: 0x20000, 2: 0x20000, 4: 0x20000, 8: 0x01000000,
		0x10:       0x20000,
		0x20000000: 0x20000, 0x10000000: 0x01000000, 0x18: 0x01020000, 0: 0} { // F-50: each part alone
		if got := fileaccess.QueryRights(info); got != want {
			t.Errorf("F-50: part %#x needs %#x, want %#x", info, uint32(got), uint32(want))
		}
	}
	part, st := fileaccess.QuerySecurity(&all, old, 4)
	if st != 0 || !part.Owner().IsZero() || part.DACL().Len() != 1 {
		t.Error("F-50: query")
	}
}

// F-51: a token makes its user an owner, and of its groups those that are enabled, may own
// and count for more than denial; any owner with the restore privilege. The same holds of
// the descriptor that a creator gives (F-32).
func TestWhoMayOwn(t *testing.T) {
	group := sid.MustParse("S-1-5-21-1-2-3-2001")
	const mandatory, enabled, owner, deny = winnt.SE_GROUP_MANDATORY, winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_OWNER,
		winnt.SE_GROUP_USE_FOR_DENY_ONLY
	for _, c := range []struct {
		attributes uint32
		privileges winnt.PrivilegeSet
		want       ntstatus.Status
	}{
		{enabled | owner, 0, ntstatus.Success}, {mandatory | enabled | owner, 0, ntstatus.Success},
		{enabled, 0, ntstatus.InvalidOwner}, {owner, 0, ntstatus.InvalidOwner}, {0, 0, ntstatus.InvalidOwner},
		{mandatory | enabled, 0, ntstatus.InvalidOwner}, {deny | owner, 0, ntstatus.InvalidOwner},
		{deny, winnt.SeRestorePrivilege.Bit(), ntstatus.Success}, {enabled, winnt.SeTakeOwnershipPrivilege.Bit(),
			ntstatus.InvalidOwner},
	} {
		spec := baseSpec()
		spec.Groups = append(spec.Groups, token.Group{SID: group, Attributes: c.attributes})
		spec.Privileges, spec.EnabledPrivileges = spec.Privileges|c.privileges, spec.EnabledPrivileges|c.privileges
		subject := access.SubjectOf(mustToken(t, spec))
		old := aces(t, "(A;;FA;;;WD)")
		d, st := fileaccess.SetSecurity(&fileaccess.Handle{Granted: 0x011F01FF},
			&fileaccess.SecurityChange{Information: 1,
				Old: old, New: sddl.MustParse("O:" + group.String()), Subject: subject})
		if st != c.want || st == ntstatus.Success && d.Owner() != group {
			t.Errorf("F-51: a group of %#x, privileges %v: %v, want %v", c.attributes, c.privileges, st, c.want)
		}
	}
}

// F-55: the whole table, by what is just not enough and what is.
func TestOperations(t *testing.T) {
	holder := baseSpec()
	ps := winnt.Privileges(winnt.SeManageVolumePrivilege, restore, winnt.SeCreateSymbolicLinkPrivilege)
	holder.Privileges, holder.EnabledPrivileges = ps, ps
	able := access.SubjectOf(mustToken(t, holder))
	const all = 0x011F01FF
	for _, c := range []struct {
		op     fileaccess.Operation
		face   fileaccess.Face
		enough []winnt.AccessMask // each alone
	}{
		{fileaccess.Read, 0, []winnt.AccessMask{1}}, {fileaccess.Read, fileaccess.SMB, []winnt.AccessMask{1, 0x20}},
		{fileaccess.Write, 0, []winnt.AccessMask{2}}, {fileaccess.Extend, 0, []winnt.AccessMask{4}},
		{fileaccess.Flush, 0, []winnt.AccessMask{2, 4}}, {fileaccess.QueryBasic, 0, []winnt.AccessMask{0x80}},
		{fileaccess.QueryEA, 0, []winnt.AccessMask{8}}, {fileaccess.Enumerate, 0, []winnt.AccessMask{1}},
		{fileaccess.ChangeNotify, 0, []winnt.AccessMask{1}}, {fileaccess.SetBasic, 0, []winnt.AccessMask{0x100}},
		{fileaccess.SetEA, 0, []winnt.AccessMask{0x10}}, {fileaccess.SetEndOfFile, 0, []winnt.AccessMask{2}},
		{fileaccess.SetAllocation, 0, []winnt.AccessMask{2}}, {fileaccess.SetValidDataLength, 0,
			[]winnt.AccessMask{2}},
		{fileaccess.SetShortName, 0, []winnt.AccessMask{2, 0x100}}, {fileaccess.SetShortName, fileaccess.SMB,
			[]winnt.AccessMask{0x10000}},
		{fileaccess.Flush, fileaccess.SMB, []winnt.AccessMask{2, 4}}, {fileaccess.QueryEA, fileaccess.SMB,
			[]winnt.AccessMask{8}}, {fileaccess.SetBasic, fileaccess.SMB, []winnt.AccessMask{0x100}},
		{fileaccess.SetEndOfFile, fileaccess.SMB, []winnt.AccessMask{2}}, {fileaccess.SetReparsePoint, fileaccess.SMB,
			[]winnt.AccessMask{2, 0x100}}, {fileaccess.Write, fileaccess.SMB, []winnt.AccessMask{2}},
		{fileaccess.Extend, fileaccess.SMB, []winnt.AccessMask{4}}, {fileaccess.QueryOther, fileaccess.SMB,
			[]winnt.AccessMask{0x100000}}, {fileaccess.SetValidDataLength, fileaccess.SMB, []winnt.AccessMask{2}},
		{fileaccess.SetDisposition, 0, []winnt.AccessMask{0x10000}}, {fileaccess.SetDispositionIgnoreReadOnly, 0,
			[]winnt.AccessMask{0x10000}},
		{fileaccess.SetReparsePoint, 0, []winnt.AccessMask{2, 0x100}}, {fileaccess.SetSymbolicLink, 0,
			[]winnt.AccessMask{2, 0x100}},
		{fileaccess.SetSparse, 0, []winnt.AccessMask{2, 0x100}}, {fileaccess.CopyFrom, 0, []winnt.AccessMask{1}},
		{fileaccess.CopyTo, 0, []winnt.AccessMask{2, 4}}, {fileaccess.CopyToReadBack, 0, []winnt.AccessMask{3, 5}},
		{fileaccess.SetVolumeInformation, 0, []winnt.AccessMask{2}}, {fileaccess.QueryOther, 0,
			[]winnt.AccessMask{0x100000}},
	} {
		may := func(m winnt.AccessMask) ntstatus.Status {
			h := fileaccess.Handle{Granted: m, Face: c.face, Subject: &able}
			return h.May(c.op)
		}
		lacking := winnt.AccessMask(all)
		for _, m := range c.enough {
			if may(m) != 0 {
				t.Errorf("%v: %v is not enough", c.op, m)
			}
			lacking &^= m
		}
		if st := may(lacking); st != denied && c.op != fileaccess.QueryOther {
			t.Errorf("%v: %v is enough: %v", c.op, lacking, st)
		}
	}
	for _, op := range []fileaccess.Operation{fileaccess.SetValidDataLength, fileaccess.SetShortName,
		fileaccess.SetSymbolicLink} {
		if h := (fileaccess.Handle{Granted: all}); h.May(op) != notHeld {
			t.Errorf("%v without privilege: %v", op, h.May(op))
		}
	}
	// The privileges of a client are used at SecurityImpersonation and above, and never the server's (T-102).
	server, plain := mustToken(t, holder), mustToken(t, baseSpec())
	for _, c := range []struct {
		client *token.Token
		level  winnt.SecurityImpersonationLevel
		want   ntstatus.Status
	}{
		{nil, 0, 0}, {server, winnt.SecurityAnonymous, notHeld}, {server, winnt.SecurityIdentification, notHeld},
		{server, winnt.SecurityImpersonation, 0}, {server, winnt.SecurityDelegation, 0},
		{plain, winnt.SecurityDelegation, notHeld},
	} {
		s := &access.Subject{Primary: server, Client: c.client, Level: c.level}
		for _, op := range []fileaccess.Operation{fileaccess.SetValidDataLength, fileaccess.SetShortName,
			fileaccess.SetSymbolicLink} {
			if st := (&fileaccess.Handle{Granted: all, Subject: s}).May(op); st != c.want {
				t.Errorf("%v by a client at %v: %v, want %v", op, c.level, st, c.want)
			}
		}
	}
	h := fileaccess.Handle{Granted: 2, Directory: true}
	if h.May(fileaccess.SetEndOfFile) != invalid || h.May(fileaccess.SetAllocation) != invalid ||
		h.May(200) != invalid {
		t.Error("INVALID_PARAMETER")
	}
	h = fileaccess.Handle{Granted: 4, Profile: fileaccess.Observed}
	if h.May(fileaccess.Write) != 0 || h.May(fileaccess.Extend) != 0 {
		t.Error("observed: either right writes")
	}
	if fileaccess.CopyTo.String() != "CopyTo" || fileaccess.Operation(99).String() != "Operation(99)" {
		t.Error("names")
	}
}

// F-71 and F-74: in bulk as one by one; the share's rights count, intent and
// backup privilege do not.
func TestVisibleEntries(t *testing.T) {
	entries := []*sd.Descriptor{aces(t, "(A;;FR;;;WD)"), aces(t, "(A;;0x1;;;WD)"), sd.NoSecurity,
		aces(t, "(A;;FR;;;WD)"), aces(t, "(A;;FA;;;BA)")}
	entries = append(entries, entries[1])
	spec := baseSpec()
	spec.Privileges, spec.EnabledPrivileges = backup.Bit(), backup.Bit()
	admin := baseSpec()
	admin.Groups = append(admin.Groups, token.Group{SID: sid.Administrators, Attributes: enabled})
	viewers := []fileaccess.Viewer{
		{Subject: access.SubjectOf(mustToken(t, spec)),
			Share: 0x1200A9}, {Subject: access.SubjectOf(mustToken(t, admin)), Share: 0x1F01FF},
		{Subject: access.SubjectOf(mustToken(t, admin)), Share: 0x20089}, {},
	}
	got := fileaccess.VisibleEntries(entries, viewers, nil)
	want := []string{"yny" + "ynn", "yny" + "yyn", "nnnnnn", "nnnnnn"}
	for v := range viewers {
		for e := range entries {
			one := fileaccess.Visible(&viewers[v].Subject, entries[e], viewers[v].Share, nil)
			if got[v][e] != one || one != (want[v][e] == 'y') {
				t.Errorf("F-74 viewer %d entry %d: %v, alone %v", v, e, got[v][e], one)
			}
		}
	}
}

// F-72: the gate alone changes a status; F-73 changes those that tell.
func TestHideDenied(t *testing.T) {
	hide := func(s *situation) { s.f.Policy.HideDenied = true }
	hiddenEntry := in(share("FA"), abe, o("empty"), noP, hide)
	for _, c := range []struct {
		what string
		more []setup
		want ntstatus.Status
	}{
		{"denied", nil, notFound}, {"create", in(create), denied}, {"not a directory", in(dirOption), notFound},
		{"directory", in(directory, nonDirOption), notFound},
		{"before the name", in(func(s *situation) { twoDirs(s); noChangeNotify(s) }), denied},
		{"visible", in(o("(A;;FR;;;WD)"), overwrite), denied},
		{"no enumeration", in(func(s *situation) { s.f.Share.ABE = false }), denied},
	} {
		d, _ := open(t, 1, append(append([]setup{}, hiddenEntry...), c.more...)...)
		if d.Status() != c.want {
			t.Errorf("F-73 %s: %+v", c.what, d)
		}
		if d.Rule == "F-73" && d.Audit.Status == ntstatus.ObjectNameNotFound {
			t.Errorf("F-73 %s: the record hides it too", c.what)
		}
	}
}

// F-80 to F-83: what is to be recorded, about what.
func TestAuditInputs(t *testing.T) {
	type want struct {
		about   fileaccess.Audited
		name    string
		desired winnt.AccessMask
		status  ntstatus.Status
	}
	for _, c := range []struct {
		what    string
		desired winnt.AccessMask
		setup   []setup
		want    want
	}{
		// F-80
		{"success", 0x80000000, nil, want{fileaccess.AuditObject, "f", 0x120089, 0}},
		// F-80
		{"implied", 1, in(overwrite), want{fileaccess.AuditObject, "f", 0x113, 0}},
		// F-80
		{"denied", 1, in(o("empty")), want{fileaccess.AuditObject, "f", 1, denied}},
		// F-80
		{"privilege", 0x1000000, nil, want{fileaccess.AuditObject, "f", 0x1000000, notHeld}},
		//
		{"no object", 1, in(missing), want{}},
		//
		{"collision", 1, in(create), want{}},
		// F-81
		{"parent", 1, in(create, missing), want{fileaccess.AuditDirectory, "P", 2, denied}},
		// F-81
		{"traverse", 1, in(twoDirs, noChangeNotify), want{fileaccess.AuditDirectory, "a", 0x20, denied}},
		// F-83
		{"share", 2, in(share("0x1200A9")), want{fileaccess.AuditShare, "f", 2, denied}},
		// F-83
		{"share, implied", 1, in(share("0x1200A9"), overwrite), want{fileaccess.AuditShare, "f", 0x113, denied}},
		// F-73
		{"hidden", 1, in(share("FA"), abe, o("empty"), func(s *situation) { s.f.Policy.HideDenied = true }),
			want{fileaccess.AuditObject, "f", 1, denied}},
	} {
		d, s := open(t, c.desired, c.setup...)
		got := want{d.Audit.About, d.Audit.Name, d.Audit.Desired, d.Audit.Status}
		if got != c.want || d.Audit.Granted != d.Granted {
			t.Errorf("%s: %+v, want %+v", c.what, d.Audit, c.want)
		}
		switch got.about {
		case fileaccess.AuditObject:
			if d.Audit.Descriptor != s.f.Object.Descriptor {
				t.Errorf("%s: descriptor", c.what)
			}
		case fileaccess.AuditDirectory:
			if d.Audit.Descriptor == nil {
				t.Errorf("%s: no descriptor", c.what)
			}
		}
	}
	if d, _ := open(t, 1, create, missing, parentFull); d.Audit.Descriptor != d.NewSD || d.NewSD == nil { // F-81
		t.Error("F-81: a creation is recorded by the new object's SACL")
	}
	// F-82: privileges are used once, and the one for passing never.
	if d, _ := open(t, 1, overwrite, o("(A;;1;;;WD)"), with(restore), twoDirs); d.PrivilegesUsed != restore.Bit() {
		t.Errorf("F-82: %v", d.PrivilegesUsed.Names())
	}
}

// F-80: the codes of reasons in records.
func TestReasons(t *testing.T) {
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
		{"allowed beside it", 3, in(o("(D;;2;;;U)(A;;3;;;WD)")), 1, true, "AceAllow DACL 1", 0},
		{"parent", 0x80, in(o("empty")), 0x80, true, "ParentAllow FILE_LIST_DIRECTORY AceAllow DACL 0", 1811},
		{"parent denies", 0x80, in(o("empty"), noP), 0x80, false, "ParentDeny FILE_LIST_DIRECTORY NoAce", 1812},
		{"intent", 1, in(o("empty"), intent, with(backup)), 1, true, "Intent SeBackupPrivilege", 1801},
		{"implied by privilege", 1, in(overwrite, with(restore)), 2, true, "Intent SeRestorePrivilege", 1801},
		{"creator", 1, in(create, missing, parentFull), 1, true, "Creator", 1801},
		{"creation denied", 1, in(create, missing), 1, false, "ParentDeny FILE_ADD_FILE", 1812},
		{"read-only", 2, in(isReadOnly), 2, false, "ReadOnlyAttribute", 1805},
		{"read-only, maximum", maxAllowed, in(isReadOnly), 2, false, "ReadOnlyAttribute", 1805},
		{"read-only volume", maxAllowed, in(readOnlyVol), 2, false, "ReadOnlyVolume", 1805},
		{"share", maxAllowed, in(share("0x1200A9")), 2, false, "ShareMask", 1805},
		{"share refuses", 2, in(share("0x1200A9")), 2, false, "ShareMask", 1805},
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
		if !ok || r.Granted != c.granted || r.Reason.String() != c.text || r.Reason.Message() != c.code {
			t.Errorf("%s: %v %q %d, want %v %q %d", c.what, r.Granted, r.Reason, r.Reason.Message(), c.granted,
				c.text,
				c.code)
		}
	}
	if _, ok := new(fileaccess.Explanation).Reason(1); ok || fileaccess.ReasonKind(0).String() != "ReasonKind(0)" {
		t.Error("zero values")
	}
}

// F-90 and F-91.
func TestWin32(t *testing.T) {
	const del, backupFlag = fileaccess.FlagDeleteOnClose, fileaccess.FlagBackupSemantics
	for _, c := range []struct {
		creation fileaccess.Creation
		flags    fileaccess.FileFlags
		want     fileaccess.Disposition
		options  fileaccess.CreateOptions
		desired  winnt.AccessMask
	}{
		{fileaccess.CreateNew, 0, fileaccess.FileCreate, fileaccess.NonDirectoryFile, 0x100080},
		{fileaccess.OpenExisting, 0x8027, fileaccess.FileOpen, fileaccess.NonDirectoryFile, 0x100080}, // 0x8000: no attribute
		{fileaccess.CreateAlways, 0x80 | del, fileaccess.FileOverwriteIf,
			fileaccess.NonDirectoryFile | fileaccess.DeleteOnClose, 0x110080},
		{fileaccess.OpenExisting, backupFlag, fileaccess.FileOpen, fileaccess.OpenForBackupIntent, 0x100080},
		{fileaccess.OpenAlways, backupFlag | fileaccess.FlagOpenReparsePoint, fileaccess.FileOpenIf,
			fileaccess.OpenForBackupIntent | fileaccess.OpenReparsePoint, 0x100080},
		{fileaccess.TruncateExisting, fileaccess.FlagNoBuffering | fileaccess.FlagWriteThrough,
			fileaccess.FileOverwrite, fileaccess.NonDirectoryFile | fileaccess.NoIntermediateBuffering |
				fileaccess.WriteThrough, 0x100080},
	} {
		r, ok := fileaccess.CreateFile(access.Subject{}, "f", 0, 0, c.creation, c.flags)
		if !ok || r.Disposition != c.want || r.Options != c.options || r.Desired != c.desired ||
			r.Attributes != fileaccess.Attributes(c.flags&0x7FFF) {
			t.Errorf("F-90 %d: %+v", c.creation, r)
		}
	}
	if _, ok := fileaccess.CreateFile(access.Subject{}, "f", 0, 0, 0, 0); ok {
		t.Error("F-90: creation 0")
	}
	// F-90
	if d, _ := open(t, 0,
		func(s *situation) { s.r.Face = fileaccess.Win32; deleteOnClose(s) }); d.Granted != 0x110080 {
		t.Errorf("F-90: %+v", d)
	}
	for st, want := range map[ntstatus.Status]uint32{
		denied: 5, cannot: 5, ntstatus.FileIsADirectory: 5, ntstatus.DeletePending: 5, notFound: 2,
		ntstatus.ObjectPathNotFound: 3,
		ntstatus.NotADirectory:      267, notHeld: 1314, protected: 19, ntstatus.SharingViolation: 32, invalid: 87,
		0: 0,
	} {
		if got := fileaccess.LastError(st, false); got != want {
			t.Errorf("F-91 %v: %d", st, got)
		}
	}
	if fileaccess.LastError(collision, true) != 80 || fileaccess.LastError(collision, false) != 183 {
		t.Error("F-91: collision")
	}
}

// Denials are errors for io/fs, and so is a reparse.
func TestErr(t *testing.T) {
	d, _ := open(t, 1, o("empty"))
	if !errors.Is(d.Err(), fs.ErrPermission) {
		t.Error(d.Err())
	}
	d, _ = open(t, 1, symlink)
	if d.Err() == nil || d.Allowed() {
		t.Error("a reparse is not an open")
	}
	d, _ = open(t, 1, missing)
	if !errors.Is(d.Err(), fs.ErrNotExist) {
		t.Error(d.Err())
	}
}
