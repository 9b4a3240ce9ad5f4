package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ask is one question of a row of section 12.
type ask struct {
	desired winnt.AccessMask
	want    winnt.AccessMask // 0: STATUS_ACCESS_DENIED, unless status says otherwise
	status  ntstatus.Status
	more    []setup
	check   func(t *testing.T, d *fileaccess.Decision)
}

type row struct {
	id    string
	setup []setup
	asks  []ask
}

func in(all ...setup) []setup { return all }

func rule(id string) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) {
		if d.Rule != id {
			t.Errorf("refused by %s, want %s", d.Rule, id)
		}
	}
}

func max(st ntstatus.Status, m winnt.AccessMask) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) {
		if d.Max != (fileaccess.MaximalAccess{Verdict: ntstatus.Decided(st), Access: m}) {
			t.Errorf("Max = %+v, want %v %v", d.Max, st, m)
		}
	}
}

func action(a fileaccess.Action, implied winnt.AccessMask) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) {
		if d.Action != a || d.Implied != implied {
			t.Errorf("action %d implied %v, want %d %v", d.Action, d.Implied, a, implied)
		}
	}
}

func used(ps ...winnt.Privilege) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) {
		if d.PrivilegesUsed != winnt.Privileges(ps...) {
			t.Errorf("used %v, want %v", d.PrivilegesUsed.Names(), winnt.Privileges(ps...).Names())
		}
	}
}

func forced(want bool) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) {
		if d.ForceShareRead != want {
			t.Errorf("ForceShareRead = %v", d.ForceShareRead)
		}
	}
}

const (
	invalid   = ntstatus.InvalidParameter
	notHeld   = ntstatus.PrivilegeNotHeld
	collision = ntstatus.ObjectNameCollision
	notFound  = ntstatus.ObjectNameNotFound
	protected = ntstatus.MediaWriteProtected
	cannot    = ntstatus.CannotDelete

	readOnly = fileaccess.AttributeReadOnly
	hidden   = fileaccess.AttributeHidden
	system   = fileaccess.AttributeSystem
	normal   = fileaccess.AttributeNormal
)

var (
	isReadOnly    = attributes(readOnly)
	deleteOnClose = options(fileaccess.DeleteOnClose)
	create        = disposition(fileaccess.FileCreate)
	openIf        = disposition(fileaccess.FileOpenIf)
	overwrite     = disposition(fileaccess.FileOverwrite)
	overwriteIf   = disposition(fileaccess.FileOverwriteIf)
	supersede     = disposition(fileaccess.FileSupersede)
	dirOption     = options(fileaccess.DirectoryFile)
	nonDirOption  = options(fileaccess.NonDirectoryFile)
	bothDir       = options(fileaccess.DirectoryFile | fileaccess.NonDirectoryFile)
	parentFull    = p("(A;;FA;;;WD)")
	parentEmpty   = p("empty")
	streamMissing = func(s *situation) { s.f.Object.Stream = true; s.r.Name = "f:s" }
	byID          = options(fileaccess.OpenByFileID)
	symlink       = func(s *situation) { s.f.Object.ReparseTag = fileaccess.SymbolicLinkTag }
	twoDirs       = path("(A;;0x1;;;WD)", "(A;;0x20;;;WD)")
	never         = func(s *situation) { s.f.Policy.Traverse = fileaccess.TraverseNever }
	always        = func(s *situation) { s.f.Policy.Traverse = fileaccess.TraverseAlways }
	exclusive     = func(s *situation) { s.r.Share = 0 }
)

// openRows are the rows of section 12 that opens decide.
var openRows = []row{
	// F-1
	{"FO-001", in(o("(A;;FR;;;WD)")), []ask{{desired: 0x120089, want: 0x120089}, {desired: 0x80000000, want: 0x120089},
		{desired: 2}}},
	// F-43
	{"FO-002", in(o("(A;;0x1;;;U)")), []ask{{desired: 1, want: 1}, {desired: 0x81, want: 0x81}, {desired: 0x80000000}}},
	{"FO-003", in(o("(A;;0x1;;;U)"), noP), []ask{{desired: 0x81}}},
	{"FO-004", in(o("empty")), []ask{{desired: 0x80, want: 0x80}, {desired: 0x80, more: in(noP), check: rule("F-44")}}},
	{"FO-005", nil, []ask{{desired: 0, check: rule("F-11")}, {desired: 0x200000, check: rule("F-11")},
		{desired: 0x4000000, check: rule("F-11")}, {desired: 0x200, check: rule("F-11")}}},
	// F-42
	{"FO-006", in(o("empty")), []ask{{desired: 0x10000, want: 0x10000, more: in(p("(A;;0x40;;;WD)"))},
		{desired: 0x10000}}},
	// F-42
	{"FO-007", in(o("(D;;SD;;;WD)(A;;FA;;;WD)"), p("(A;;0x40;;;WD)")), []ask{{desired: 0x10000, want: 0x10000}}},
	// F-40
	{"FO-008", in(o("(A;;0x1;;;WD)"), p("(A;;0x40;;;WD)")),
		[]ask{{desired: 0x10001, want: 0x10001}, {desired: 0x10003}}},
	// F-41
	{"FO-009", in(o("U:empty")), []ask{{desired: 0x60000, want: 0x60000}, {desired: maxAllowed, want: 0x60080}}},
	// F-41
	{"FO-010", in(o("U:(A;;0x1;;;U)"), p("(A;;0x41;;;WD)")), []ask{{desired: maxAllowed, want: 0x70081}}},
	// F-44
	{"FO-011", in(o("empty"), noP), []ask{{desired: maxAllowed, check: rule("F-44")}}},
	// F-44
	{"FO-012", in(o("U:(A;;0x1;;;U)")), []ask{{desired: maxAllowed | 2}}},
	{"FO-014", in(isReadOnly), []ask{{desired: 2, check: rule("F-38")}, {desired: 4, check: rule("F-38")},
		{desired: 0x120089, want: 0x120089}, {desired: 0x10000, want: 0x10000}, {desired: 0x100, want: 0x100}}},
	{"FO-015", in(isReadOnly, askMax), []ask{{desired: maxAllowed, want: 0x1F01B9, check: max(0, 0x1F01FF)}}}, // F-45
	{"FO-016", in(isReadOnly, directory, askMax), []ask{{desired: maxAllowed, want: 0x1F01FF, check: max(0, 0x1F01FF)},
		{desired: 2, want: 2}}},
	{"FO-017", in(isReadOnly), []ask{{desired: maxAllowed | 0x40, check: rule("F-44")},
		{desired: maxAllowed | 2, check: rule("F-38")}}},
	{"FO-018", in(isReadOnly, deleteOnClose), []ask{{desired: 0x10000, status: cannot, check: rule("F-39")},
		{desired: 0x10000, status: cannot, more: in(directory)}}},
	{"FO-019", in(create, missing, asked(readOnly), deleteOnClose, parentFull),
		[]ask{{desired: 0x10000, status: cannot, check: rule("F-30")}}},
	{"FO-020", in(deleteOnClose), []ask{{desired: 1, status: invalid, check: rule("F-10")},
		{desired: 0x10000001, want: 0x1F01FF}, {desired: maxAllowed, status: invalid}}},
	{"FO-021", nil, []ask{
		{desired: 1, status: invalid, more: in(dirOption, overwriteIf), check: rule("F-10")},
		{desired: 1, status: invalid, more: in(bothDir), check: rule("F-12")},
		{desired: 1, status: invalid, more: in(options(fileaccess.SynchronousIONonalert)), check: rule("F-10")}}},
	{"FO-022", nil, []ask{{desired: 0, more: in(bothDir), check: rule("F-11")},
		{desired: 0, status: invalid, more: in(deleteOnClose), check: rule("F-10")}}},
	{"FO-023", in(create, missing), []ask{{desired: 0x1F01FF, want: 0x1F01FF, more: in(p("(A;;0x2;;;U)")),
		check: action(fileaccess.Created, 0)}, {desired: 0x1F01FF, more: in(p("(A;;0x4;;;U)")), check: rule("F-31")}}},
	{"FO-024", in(create, missing, dirOption), []ask{{desired: 0x1F01FF, more: in(p("(A;;0x2;;;U)"))},
		{desired: 0x1F01FF, want: 0x1F01FF, more: in(p("(A;;0x4;;;U)"))}}},
	{"FO-026", in(create, o("empty"), noP), []ask{{desired: 1, status: collision, check: rule("F-29")}}},
	{"FO-027", in(create, missing, parentFull), []ask{{desired: 0x1000001, status: notHeld, check: rule("F-15")},
		{desired: 0x1000001, want: 0x1000001, more: in(with(security)), check: used(security)}}},
	// F-32
	{"FO-028", in(create, missing, asked(readOnly), parentFull),
		[]ask{{desired: 2, want: 2, check: action(fileaccess.Created, 0)}}},
	{"FO-029", in(create, missing, parentEmpty, with(restore)), []ask{ // F-21
		{desired: 0x1F01FF, want: 0x1F01FF, check: used(restore)}, {desired: 0x1F01FF, more: in(observed)},
		{desired: 0x1F01FF, want: 0x1F01FF, more: in(intent)}, {desired: 0x1F01FF, want: 0x1F01FF,
			more: in(intent, observed)}}},
	{"FO-030", in(create, missing, creatorSD("O:BA")),
		[]ask{{desired: 1, status: ntstatus.InvalidOwner, more: in(parentFull), check: rule("F-32")},
			{desired: 1, more: in(parentEmpty), check: rule("F-31")}}},
	{"FO-031", in(overwriteIf), []ask{
		{desired: 1, more: in(o("(A;;0x1;;;U)"))},
		{desired: 1, want: 0x113, more: in(o("(A;;0x113;;;U)")), check: action(fileaccess.Overwritten, 0x112)},
		// F-33, F-36
		{desired: 1, want: 1, more: in(o("(A;;0x113;;;U)"), observed), check: action(fileaccess.Overwritten, 0x112)}}},
	{"FO-032", in(o("U:(A;;0x1;;;U)")), []ask{{desired: 1, want: 1}, {desired: 1, more: in(supersede)},
		{desired: 1, more: in(overwrite)}, {desired: 1, more: in(overwriteIf)}}},
	{"FO-033", in(supersede, o("(A;;0x111;;;U)")),
		[]ask{{desired: 1, want: 0x10111, more: in(p("(A;;0x40;;;WD)")),
			check: action(fileaccess.Superseded, 0x10110)}, {desired: 1}}},
	{"FO-034", in(overwrite), []ask{
		{desired: 2, more: in(attributes(hidden), asked(normal)), check: rule("F-35")},
		{desired: 2, want: 0x112, more: in(attributes(hidden), asked(hidden))},
		{desired: 2, more: in(attributes(system|hidden), asked(hidden)), check: rule("F-35")}}},
	{"FO-035", in(isReadOnly), []ask{{desired: 1, more: in(overwrite), check: rule("F-38")},
		{desired: 1, more: in(supersede), check: rule("F-38")}}},
	// F-34
	{"FO-036", in(overwrite, o("empty"), with(restore)),
		[]ask{{desired: 0x80, want: 0x192, check: used(restore)}, {desired: 0x80, more: in(observed)}}},
	{"FO-037", in(overwrite, directory), []ask{{desired: 1, status: collision},
		{desired: 1, more: in(func(s *situation) { s.f.Object.VolumeRoot = true }), check: rule("F-29")}}},
	{"FO-038", in(missing, p("(A;;0x2;;;U)")), []ask{{desired: 1, status: notFound, check: rule("F-26")},
		{desired: 1, status: notFound, more: in(overwrite)}, {desired: 1, want: 1, more: in(openIf),
			check: action(fileaccess.Created, 0)}}},
	{"FO-039", in(twoDirs), []ask{{desired: 1, want: 1, check: used()},
		{desired: 1, more: in(noChangeNotify), check: rule("F-23")}, {desired: 1, want: 1,
			more: in(never, noChangeNotify)}, {desired: 1, more: in(always)}}},
	{"FO-040", in(twoDirs, noChangeNotify), []ask{
		{desired: 1, more: in(component(1, func(c *fileaccess.Component) { c.Exists = false })), check: rule("F-23")},
		{desired: 1, status: ntstatus.ObjectPathNotFound,
			more: in(component(0, func(c *fileaccess.Component) { c.Exists = false })), check: rule("F-22")}}},
	{"FO-041", in(noChangeNotify), []ask{{desired: 1, want: 1}}}, // F-22
	{"FO-042", in(path("(A;;FA;;;WD)")), []ask{
		{desired: 1, status: ntstatus.ObjectPathNotFound,
			more: in(component(0, func(c *fileaccess.Component) { c.IsDirectory = false }))},
		{desired: 1, status: ntstatus.DeletePending,
			more: in(component(0, func(c *fileaccess.Component) { c.DeletePending = true }))},
		{desired: 1, status: ntstatus.StoppedOnSymlink,
			more: in(component(0, func(c *fileaccess.Component) { c.SymbolicLink = true }))}}},
	// F-23
	{"FO-043", in(twoDirs, noChangeNotify, intent, with(backup), func(s *situation) { noChangeNotify(s) }),
		[]ask{{desired: 1}, {desired: 0x21, want: 0x21}}},
	{"FO-044", nil, []ask{
		{desired: 1, status: ntstatus.NotADirectory, more: in(dirOption), check: rule("F-27")},
		{desired: 1, status: collision, more: in(dirOption, create), check: rule("F-27")},
		{desired: 1, status: ntstatus.FileIsADirectory, more: in(nonDirOption, directory)}}},
	{"FO-045", in(symlink, o("empty"), noP), []ask{
		{desired: 1, status: ntstatus.StoppedOnSymlink, more: in(smb), check: rule("F-28")},
		{desired: 1, status: ntstatus.Reparse, check: rule("F-28")},
		{desired: 1, more: in(options(fileaccess.OpenReparsePoint)), check: rule("F-44")}}},
	// F-20
	{"FO-046", in(intent, with(backup), o("empty")),
		[]ask{{desired: 0x120089, want: 0x120089, check: used(backup)}, {desired: 2},
			{desired: maxAllowed, want: 0x11200A9}}},
	{"FO-047", in(o("empty"), noP), []ask{{desired: 0x120089, more: in(with(backup))},
		{desired: 0x120089, more: in(intent, disabled(backup))}}},
	{"FO-048", in(intent, with(backup), o("empty")),
		[]ask{{desired: 1, more: in(overwrite)}, {desired: 1, want: 1, more: in(openIf)}}},
	{"FO-049", in(intent, with(restore), o("empty")),
		[]ask{{desired: 0xD0002, want: 0xD0002, check: used(restore)}, {desired: 1},
			{desired: 0x1000000, want: 0x1000000, check: used(restore)}}},
	{"FO-050", in(intent, with(restore), isReadOnly, o("empty")),
		[]ask{{desired: 2, check: rule("F-38")}, {desired: maxAllowed, want: 0x11F0190}}},
	{"FO-051", in(intent, with(backup, restore), o("empty"), noP),
		[]ask{{desired: 0x1F01FF}, {desired: 0x1F01BF, want: 0x1F01BF, check: used(backup, restore)}}},
	// F-20
	{"FO-052", in(intent, with(restore), o("emptyS:(ML;;NW;;;HI)")), []ask{{desired: 2}}},
	// F-42
	{"FO-053", in(p("(A;;0x40;;;WD)"), o("emptyS:(ML;;NW;;;HI)")), []ask{{desired: 0x10000}}},
	// F-8
	{"FO-054", in(share("0x1200A9")), []ask{{desired: 1, want: 1}, {desired: 2, check: rule("F-6")},
		{desired: maxAllowed, want: 0x1200A9}}},
	{"FO-055", in(share("0x1200A9"), abe), []ask{{desired: 2, status: notFound, check: rule("F-6")},
		{desired: 2, more: in(overwriteIf)}}},
	{"FO-056", in(deleteOnClose), []ask{{desired: 0x10000, more: in(share("0x1200A9")), check: rule("F-6")},
		{desired: 0x10000, want: 0x10000, more: in(share("0x1301BF"))}}},
	{"FO-057", nil, []ask{
		{desired: 2, more: in(share("FA"), o("(A;;FR;;;WD)")), check: rule("F-44")},
		{desired: 1, more: in(share("0x1200A9"), create, missing, parentFull), check: rule("F-8")},
		{desired: 1, more: in(share("0x1200A9"), overwriteIf), check: rule("F-8")}}},
	{"FO-058", in(share("0x1200A9"), o("empty"), p("(A;;0x41;;;WD)"), askMax),
		[]ask{{desired: maxAllowed, want: 0x80, check: max(0, 0x80)}}},
	{"FO-059", in(with(security)), []ask{{desired: 0x1000000, more: in(smb), check: rule("F-6")},
		{desired: 0x1000000, want: 0x1000000}}},
	{"FO-060", in(o("empty"), missing), []ask{{desired: 0x1000001, status: notHeld, check: rule("F-15")}}},
	{"FO-061", in(o("(D;;0x120116;;;U)(A;;FA;;;U)")), []ask{{desired: 0x120089}, {desired: 1, want: 1}}}, // F-46
	{"FO-062", in(o("(A;;0x1;;;U)")), []ask{{desired: 0x100001}}},                                        // F-46
	{"FO-063", in(askMax, func(s *situation) { s.f.Object.ChangeTime, s.r.MaximalTime = 42, 42 }),
		[]ask{{desired: 1, want: 1, check: max(ntstatus.NoneMapped, 0)},
			{desired: 1, want: 1, more: in(func(s *situation) { s.r.MaximalTime = 41 }), check: max(0, 0x1F01FF)}}},
	{"FO-064", in(intent, with(backup), o("empty"), noP, askMax), []ask{{desired: 1, want: 1, check: max(denied, 0)}}},
	{"FO-065", in(with(winnt.SeTakeOwnershipPrivilege), o("(A;;FR;;;WD)")),
		[]ask{{desired: 0x80000, want: 0x80000, check: used(winnt.SeTakeOwnershipPrivilege)},
			{desired: maxAllowed, want: 0x120089, check: used()}}},
	{"FO-066", in(readOnlyVol), []ask{
		{desired: 1, status: protected, more: in(create), check: rule("F-14")},
		{desired: 1, status: protected, more: in(openIf, missing), check: rule("F-26")},
		{desired: 0x10000, status: cannot, more: in(deleteOnClose)}, {desired: maxAllowed, want: 0x1F01B9}}},
	{"FO-067", in(openIf, streamMissing), []ask{
		{desired: 1, more: in(o("(A;;0x1;;;U)"))},
		{desired: 1, want: 3, more: in(o("(A;;0x3;;;U)")), check: action(fileaccess.Created, 2)},
		{desired: 1, want: 1, more: in(o("(A;;0x3;;;U)"), observed)}}},
	{"FO-068", in(byID, o("empty"), p("(A;;0x41;;;WD)")), []ask{{desired: 0x10000}, {desired: 0x80}}}, // F-25
	{"FO-070", in(identification), []ask{{desired: 1, status: ntstatus.BadImpersonationLevel}}},
	// F-48
	{"FO-071", in(exclusive), []ask{{desired: 1, want: 1, check: forced(true)},
		{desired: 1, want: 1, more: in(parentFull), check: forced(false)}}},
	// F-72
	{"FO-084", in(share("FA"), abe, o("empty"), noP),
		[]ask{{desired: 1}, {desired: 1, status: notFound,
			more: in(func(s *situation) { s.f.Policy.HideDenied = true }), check: rule("F-73")}}},
}

func TestConformanceOpens(t *testing.T) {
	for _, r := range openRows {
		for i := range r.asks {
			a := &r.asks[i]
			t.Run(r.id+string(rune('a'+i)), func(t *testing.T) {
				d, _ := open(t, a.desired, append(append([]setup{}, r.setup...), a.more...)...)
				status := a.status
				if status == 0 && a.want == 0 {
					status = denied
				}
				if d.Status() != status || d.Granted != a.want {
					t.Errorf("%v: got %v %v by %s, want %v %v", a.desired, d.Status(), d.Granted, d.Rule, status,
						a.want)
				}
				if a.check != nil {
					a.check(t, &d)
				}
			})
		}
	}
}

// FO-013: each bit alone.
func TestConformanceEachBit(t *testing.T) {
	for bit := winnt.AccessMask(1); bit <= 0x100; bit <<= 1 {
		want := winnt.AccessMask(0)
		if bit == 2 || bit == 0x80 {
			want = bit
		}
		if d, _ := open(t, bit, o("U:(A;;0x2;;;U)")); d.Granted != want {
			t.Errorf("FO-013 %v: %v", bit, d.Granted)
		}
	}
}

// FO-025: the creator has everything, and the next open what the new
// descriptor gives.
func TestConformanceCreateThenOpen(t *testing.T) {
	d, s := open(t, maxAllowed, create, missing, p("(A;;0x2;;;U)(A;OI;FR;;;G)"))
	if d.Granted != 0x1F01FF || d.NewSD == nil {
		t.Fatalf("%+v", d)
	}
	s.f.Object = fileaccess.Object{Exists: true, Descriptor: d.NewSD}
	s.r.Disposition, s.r.Desired = fileaccess.FileOpen, 2
	if d := fileaccess.Open(s.r, s.f); d.Status() != denied {
		t.Errorf("FO-025 second open: %+v", d)
	}
}

// FO-069, FO-078, FO-079, FO-083, FO-086: what handles may.
func TestConformanceHandles(t *testing.T) {
	unprivileged := access.SubjectOf(mustToken(t, baseSpec()))
	for _, c := range []struct {
		id   string
		h    fileaccess.Handle
		op   fileaccess.Operation
		want ntstatus.Status
	}{
		{"FO-069 SMB", fileaccess.Handle{Granted: 0x20, Face: fileaccess.SMB}, fileaccess.Read, 0}, // F-47
		{"FO-069 native", fileaccess.Handle{Granted: 0x20}, fileaccess.Read, denied},
		{"FO-078a", fileaccess.Handle{Granted: 2}, fileaccess.SetBasic, denied}, // F-55
		{"FO-078b", fileaccess.Handle{Granted: 4}, fileaccess.SetEndOfFile, denied},
		{"FO-078c", fileaccess.Handle{Granted: 2, Subject: &unprivileged}, fileaccess.SetValidDataLength, notHeld},
		{"FO-079a", fileaccess.Handle{Granted: 0x10000, Attributes: readOnly}, fileaccess.SetDisposition, cannot},
		{"FO-079b", fileaccess.Handle{Granted: 0x10000, Directory: true, NotEmpty: true}, fileaccess.SetDisposition,
			ntstatus.DirectoryNotEmpty},
		{"FO-079c", fileaccess.Handle{Granted: 0x1EFFFF}, fileaccess.SetDisposition, denied},
		{"FO-079d", fileaccess.Handle{Granted: 0x10000, Attributes: readOnly}, fileaccess.SetDispositionIgnoreReadOnly,
			cannot},
		{"FO-079e", fileaccess.Handle{Granted: 0x10100, Attributes: readOnly}, fileaccess.SetDispositionIgnoreReadOnly,
			0},
		{"FO-083", fileaccess.Handle{Granted: 0x20, Directory: true}, fileaccess.Enumerate, denied}, // F-70
		// F-52: the descriptor is not asked
		{"FO-086", fileaccess.Handle{Granted: 2}, fileaccess.Write, 0},
	} {
		if got := c.h.May(c.op); got != c.want {
			t.Errorf("%s: %v, want %v", c.id, got, c.want)
		}
	}
}

// FO-080, FO-081: F-50.
func TestConformanceSecurityRights(t *testing.T) {
	const owner, dacl, sacl, label, attribute, scope, whole = 1, 4, 8, 0x10, 0x20, 0x40, 0x10000
	for _, c := range []struct {
		id      string
		query   bool
		info    uint32
		granted winnt.AccessMask
		want    bool
	}{
		{"FO-080a", true, owner | dacl, 0x20000, true}, {"FO-080b", true, sacl, 0x20000, false}, {"FO-080c", true,
			label, 0x20000, true},
		{"FO-081a", false, dacl, 0x80000, false}, {"FO-081b", false, owner, 0x40000, false}, {"FO-081c", false, label,
			0x40000, false},
		{"FO-081d", false, attribute, 0x40000, true}, {"FO-081e", false, scope, 0x40000, false}, {"FO-081f", false,
			whole, 0xC0000, false},
	} {
		d := aces(t, "(A;;FA;;;WD)")
		h := fileaccess.Handle{Granted: c.granted}
		_, st := fileaccess.QuerySecurity(&h, d, c.info)
		if !c.query {
			_, st = fileaccess.SetSecurity(&h, &fileaccess.SecurityChange{Information: c.info, Old: d, New: d,
				Subject: access.SubjectOf(mustToken(t, baseSpec()))})
		}
		if (st == 0) != c.want || st != 0 && st != denied {
			t.Errorf("%s: %v", c.id, st)
		}
	}
}

// FO-082: F-71. U owns the entries and so always has READ_CONTROL.
func TestConformanceEnumeration(t *testing.T) {
	s := access.SubjectOf(mustToken(t, baseSpec()))
	for mask, want := range map[string]bool{"0x120089": true, "0x120081": false, "0x120009": false, "0x120088": false} {
		if got := fileaccess.Visible(&s, aces(t, "U:(A;;"+mask+";;;U)"), 0x1F01FF, nil); got != want {
			t.Errorf("FO-082 %s: %v", mask, got)
		}
	}
}

// FO-085: F-90.
func TestConformanceCreateFile(t *testing.T) {
	for text, want := range map[string]winnt.AccessMask{"(A;;0x100000;;;U)": 0x100080, "empty": 0} {
		s := newSituation(t)
		s.apply(in(o(text)))
		r, ok := fileaccess.CreateFile(s.r.Subject, "f", 0, 7, fileaccess.OpenExisting, 0)
		if !ok {
			t.Fatal("no request")
		}
		if d := fileaccess.Open(&r, s.f); d.Granted != want || d.Allowed() != (want != 0) {
			t.Errorf("FO-085 %s: %+v", text, d)
		}
	}
}
