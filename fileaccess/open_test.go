package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ask is one request of a conformance case.
type ask struct {
	desired winnt.AccessMask
	want    winnt.AccessMask // 0 means STATUS_ACCESS_DENIED, unless status is set
	status  ntstatus.Status
	more    []setup
	check   func(t *testing.T, d *fileaccess.Decision)
}

type row struct {
	id    string
	setup []setup
	asks  []ask
}

func rule(id string) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) { check.Equal(t, d.Rule, id, "denied by rule") }
}

func max(st ntstatus.Status, m winnt.AccessMask) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) {
		check.That(t, d.Max == (fileaccess.MaximalAccess{Verdict: ntstatus.Decided(st), Access: m}),
			"maximal access %+v, want %v %v", d.Max, st, m)
	}
}

func action(a fileaccess.Action, implied winnt.AccessMask) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) {
		check.That(t, d.Action == a && d.Implied == implied,
			"action %d, implied rights %v; want %d, %v", d.Action, d.Implied, a, implied)
	}
}

func used(ps ...winnt.Privilege) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) {
		check.That(t, d.PrivilegesUsed == winnt.Privileges(ps...),
			"used privileges %v, want %v", d.PrivilegesUsed.Names(), winnt.Privileges(ps...).Names())
	}
}

func forced(want bool) func(*testing.T, *fileaccess.Decision) {
	return func(t *testing.T, d *fileaccess.Decision) { check.Equal(t, d.ForceShareRead, want, "ForceShareRead") }
}

// openRows are the conformance cases that opens decide.
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
	{"FO-008", in(o("(A;;0x1;;;WD)"), p("(A;;0x40;;;WD)")), []ask{{desired: 0x10001, want: 0x10001}, {desired: 0x10003}}},
	// F-41
	{"FO-009", in(o("U:empty")), []ask{{desired: 0x60000, want: 0x60000}, {desired: maxAllowed, want: 0x60080}}},
	// F-41
	{"FO-010", in(o("U:(A;;0x1;;;U)"), p("(A;;0x41;;;WD)")), []ask{{desired: maxAllowed, want: 0x70081}}},
	// F-44
	{"FO-011", in(o("empty"), noP), []ask{{desired: maxAllowed, check: rule("F-44")}}},
	// F-44
	{"FO-012", in(o("U:(A;;0x1;;;U)")), []ask{{desired: maxAllowed | 2}}},
	{"FO-013", in(o("U:(A;;0x2;;;U)")), []ask{{desired: 1}, {desired: 2, want: 2}, {desired: 4},
		{desired: 0x80, want: 0x80}, {desired: 0x100}}},
	{"FO-014", in(isReadOnly), []ask{{desired: 2, check: rule("F-38")}, {desired: 4, check: rule("F-38")},
		{desired: 0x120089, want: 0x120089}, {desired: 0x10000, want: 0x10000}, {desired: 0x100, want: 0x100}}},
	{"FO-015", in(isReadOnly, askMax), []ask{{desired: maxAllowed, want: 0x1F01B9, check: max(0, 0x1F01FF)}}}, // F-45
	{"FO-016", in(isReadOnly, directory, askMax), []ask{{desired: maxAllowed, want: 0x1F01FF, check: max(0, 0x1F01FF)},
		{desired: 2, want: 2}}},
	{"FO-017", in(isReadOnly), []ask{{desired: maxAllowed | 0x40, check: rule("F-44")},
		{desired: maxAllowed | 2, check: rule("F-38")}}},
	{"FO-018", in(isReadOnly, deleteOnClose), []ask{{desired: 0x10000, status: cannot, check: rule("F-39")},
		{desired: 0x10000, status: cannot, more: in(directory)}}},
	{"FO-019", in(create, missing, attrs(readOnly), deleteOnClose, parentFull),
		[]ask{{desired: 0x10000, status: cannot, check: rule("F-30")},
			{desired: 0x10000, status: cannot, more: in(dirOption), check: rule("F-30")}}},
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
		{desired: 0x1F01FF, want: 0x1F01FF, more: in(p("(A;;0x4;;;U)"))},
		{desired: 1, more: in(p("(A;;0x2;;;U)"), intent), check: rule("F-31")},
		{desired: 1, want: 1, more: in(p("(A;;0x4;;;U)"), intent)},
		{desired: 1, want: 1, more: in(p("(A;;0x4;;;U)"), share("0x5"))},
		{desired: 1, more: in(p("(A;;0x4;;;U)"), share("0x3")), check: rule("F-8")}}},
	{"FO-026", in(create, o("empty"), noP), []ask{{desired: 1, status: collision, check: rule("F-29")}}},
	{"FO-027", in(create, missing, parentFull), []ask{{desired: 0x1000001, status: notHeld, check: rule("F-15")},
		{desired: 0x1000001, want: 0x1000001, more: in(with(security)), check: used(security)}}},
	// F-32
	{"FO-028", in(create, missing, attrs(readOnly), parentFull),
		[]ask{{desired: 2, want: 2, check: action(fileaccess.Created, 0)}}},
	{"FO-029", in(create, missing, parentEmpty, with(restore)), []ask{ // F-21
		{desired: 0x1F01FF, want: 0x1F01FF, check: used(restore)}, {desired: 0x1F01FF, more: in(observed)},
		{desired: 0x1F01FF, want: 0x1F01FF, more: in(intent)}, {desired: 0x1F01FF, want: 0x1F01FF,
			more: in(intent, observed)}}},
	{"FO-030", in(create, missing, creatorSD("O:BA")), []ask{{desired: 1, status: ntstatus.InvalidOwner,
		more: in(parentFull), check: rule("F-32")}, {desired: 1, more: in(parentEmpty), check: rule("F-31")}}},
	{"FO-031", in(overwriteIf), []ask{
		{desired: 1, more: in(o("(A;;0x1;;;U)"))},
		{desired: 1, want: 0x113, more: in(o("(A;;0x113;;;U)")), check: action(fileaccess.Overwritten, 0x112)},
		// F-33, F-36
		{desired: 1, want: 1, more: in(o("(A;;0x113;;;U)"), observed), check: action(fileaccess.Overwritten, 0x112)}}},
	{"FO-032", in(o("U:(A;;0x1;;;U)")), []ask{{desired: 1, want: 1}, {desired: 1, more: in(supersede)},
		{desired: 1, more: in(overwrite)}, {desired: 1, more: in(overwriteIf)}}},
	{"FO-033", in(supersede, o("(A;;0x111;;;U)")), []ask{{desired: 1, want: 0x10111, more: in(p("(A;;0x40;;;WD)")),
		check: action(fileaccess.Superseded, 0x10110)}, {desired: 1}}},
	{"FO-034", in(overwrite), []ask{
		{desired: 2, more: in(attributes(hidden), attrs(normal)), check: rule("F-35")},
		{desired: 2, want: 0x112, more: in(attributes(hidden), attrs(hidden))},
		{desired: 2, more: in(attributes(system|hidden), attrs(hidden)), check: rule("F-35")}}},
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
	{"FO-046", in(intent, with(backup), o("empty")), []ask{{desired: 0x120089, want: 0x120089, check: used(backup)},
		{desired: 2}, {desired: maxAllowed, want: 0x11200A9}}},
	{"FO-047", in(o("empty"), noP), []ask{{desired: 0x120089, more: in(with(backup))},
		{desired: 0x120089, more: in(intent, disabled(backup))}}},
	{"FO-048", in(intent, with(backup), o("empty")),
		[]ask{{desired: 1, more: in(overwrite)}, {desired: 1, want: 1, more: in(openIf)}}},
	{"FO-049", in(intent, with(restore), o("empty")), []ask{{desired: 0xD0002, want: 0xD0002, check: used(restore)},
		{desired: 1}, {desired: 0x1000000, want: 0x1000000, check: used(restore)}}},
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
		{desired: 1, want: 1, more: in(o("(A;;0x3;;;U)"), observed)},
		{desired: 1, status: protected, more: in(readOnlyVol)}, {desired: 1, status: notFound, more: in(overwrite)},
		// F-33: an existing stream, also of a directory
		{desired: 1, want: 3, more: in(overwrite, directory, streamExists)},
		{desired: 1, want: 0x10001, more: in(supersede, streamExists)},
		{desired: 1, status: collision, more: in(create, streamExists)},
		{desired: 1, status: ntstatus.NotADirectory, more: in(dirOption, directory, streamExists)}}},
	{"FO-068", in(byID, o("empty"), p("(A;;0x41;;;WD)")), []ask{{desired: 0x10000}, {desired: 0x80},
		{desired: 1, want: 1, more: in(noChangeNotify, twoDirs, o("(A;;0x1;;;WD)"))}}}, // F-25: such an open has no path
	{"FO-070", in(func(s *situation) { s.token.Level = winnt.SecurityIdentification }),
		[]ask{{desired: 1, status: ntstatus.BadImpersonationLevel}}},
	// F-48
	{"FO-071", in(exclusive), []ask{{desired: 1, want: 1, check: forced(true)},
		{desired: 1, want: 1, more: in(parentFull), check: forced(false)},
		{desired: 1, want: 1, more: in(byID, parentFull), check: forced(true)},
		{desired: 1, want: 1, more: in(directory), check: forced(false)},
		{desired: 1, want: 1, more: in(directory, o("(A;;FR;;;WD)")), check: forced(true)},
		{desired: 1, more: in(directory, o("(A;;FR;;;WD)"), options(fileaccess.DisallowExclusive))}}},
	// F-72
	{"FO-084", in(share("FA"), abe, o("empty"), noP),
		[]ask{{desired: 1}, {desired: 1, status: notFound,
			more: in(hideDenied), check: rule("F-73")}, {desired: 1, more: in(hideDenied, create)},
			{desired: 1, more: in(hideDenied, o("(A;;FR;;;WD)"), overwrite), check: rule("F-44")},
			{desired: 0x10000, status: notFound, more: in(hideDenied, isReadOnly, deleteOnClose)}}},
	// The Unix super-user has no special rights.
	{"F-3", in(o("(A;;FA;;;BA)"), func(s *situation) { s.token.User.SID = fileaccess.UnixUser(0) }), []ask{{desired: 1}}},
	// An SMB server corrects options that a local open rejects.
	{"F-7", in(options(fileaccess.SynchronousIOAlert | fileaccess.SynchronousIONonalert)),
		[]ask{{desired: 1, status: invalid, check: rule("F-10")}, {desired: 1, want: 1, more: in(smb)}}},
	{"F-7 unbuffered", in(options(fileaccess.NoIntermediateBuffering)),
		[]ask{{desired: 5, status: invalid, check: rule("F-10")}, {desired: 5, want: 1, more: in(smb)},
			{desired: 4, more: in(smb), check: rule("F-11")}}},
	{"F-10", nil, []ask{{desired: 1, status: invalid, more: in(options(0x01000000))},
		{desired: 1, status: invalid, more: in(attrs(0x40))}, {desired: 1, status: invalid, more: in(disposition(6))},
		{desired: 1, status: invalid, more: in(func(s *situation) { s.r.Share = 8 })},
		{desired: 1, status: invalid, more: in(options(fileaccess.SynchronousIOAlert))},
		{desired: 0x100001, want: 0x100001, more: in(options(fileaccess.SynchronousIOAlert))},
		{desired: 1, status: invalid, more: in(dirOption, options(fileaccess.NoIntermediateBuffering))},
		{desired: 1, want: 1, more: in(options(0x804))}}}, // hints for sequential and random access
	{"F-30", in(create, missing, dirOption, attrs(fileaccess.AttributeTemporary), parentFull),
		[]ask{{desired: 1, status: invalid, check: rule("F-30")}}},
	// A restricted AppContainer also deletes through the directory.
	{"F-42", in(o("(A;;FR;;;WD)S:(ML;;NW;;;LW)"), p("(A;;FA;;;U)(A;;FA;;;G)(A;;FA;;;RC)(A;;FA;;;AC)S:(ML;;NW;;;LW)"),
		func(s *situation) {
			s.token.Integrity, s.token.Package, s.token.IsRestricted = sid.LowLevel, somePackage, true
			s.token.Restricted = []token.Group{{SID: sid.Restricted}}
		}), []ask{{desired: winnt.DELETE, want: winnt.DELETE}, {desired: winnt.DELETE, want: winnt.DELETE,
		more: in(func(s *situation) { s.token.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY })}}},
	// A missing descriptor denies, also with a backup intent. A NULL DACL does not lift the object's label.
	{"F-101", nil, []ask{{desired: 1, more: in(noSecurity)}, {desired: 1, more: in(noSecurity, intent, with(backup))},
		{desired: winnt.DELETE, more: in(noSecurity, func(s *situation) { s.f.Parent.Descriptor = sd.NoSecurity })},
		{desired: 1, more: in(create, missing, func(s *situation) { s.f.Parent.Descriptor = nil })},
		{desired: 1, more: in(twoDirs, noChangeNotify, func(s *situation) { s.f.Path[0].Descriptor = nil })},
		{desired: 1, more: in(share("FA"), func(s *situation) { s.f.Share.Descriptor = nil })},
		{desired: 1, want: 1, more: in(func(s *situation) { s.f.Object.Descriptor = sd.NoSecurity })},
		{desired: 1, more: in(intent, with(backup), func(s *situation) {
			s.f.Object.Descriptor = sddl.MustParse("O:BAG:SYD:NO_ACCESS_CONTROLS:(ML;;NRNW;;;HI)")
		})}}},
	// Only the observed profile ignores GENERIC_EXECUTE next to MAXIMUM_ALLOWED.
	{"F-102", in(o("(A;;FR;;;WD)")), []ask{{desired: maxAllowed | winnt.GENERIC_EXECUTE},
		{desired: maxAllowed | winnt.GENERIC_EXECUTE, want: winnt.FILE_GENERIC_READ, more: in(observed)},
		{desired: maxAllowed | winnt.GENERIC_WRITE, more: in(observed)}}},
}

// Open returns the decisions of the conformance cases.
func TestOpenMatchesConformanceCases(t *testing.T) {
	for _, r := range openRows {
		for i := range r.asks {
			a := &r.asks[i]
			t.Run(r.id+string(rune('a'+i)), func(t *testing.T) {
				d, _ := open(t, a.desired, append(append([]setup{}, r.setup...), a.more...)...)
				status := a.status
				if status == 0 && a.want == 0 {
					status = denied
				}
				check.That(t, d.Status() == status && d.Granted == a.want,
					"Open for %v: %v, granted %v, by rule %q; want %v, %v", a.desired, d.Status(), d.Granted, d.Rule, status, a.want)
				if a.check != nil {
					a.check(t, &d)
				}
			})
		}
	}
}

// Nil arguments deny access and never cause a panic.
func TestNilArgumentsDeny(t *testing.T) {
	s := access.SubjectOf(mustToken(t, baseSpec()))
	r := &fileaccess.Request{Subject: s, Desired: 1, Disposition: fileaccess.FileOpen, Name: "f"}
	f := &fileaccess.Facts{}
	for name, d := range map[string]fileaccess.Decision{
		"Open(nil, nil)": fileaccess.Open(nil, nil), "Open(nil, f)": fileaccess.Open(nil,
			f), "Open(r, nil)": fileaccess.Open(r, nil),
	} {
		check.That(t, !d.Allowed() && d.Status() == ntstatus.InvalidParameter && d.Err() != nil,
			"%s: %v, want %v", name, d.Status(), ntstatus.InvalidParameter)
	}
	if d, x := fileaccess.Explain(nil, f); d.Allowed() || x == nil || x.String() == "" {
		t.Errorf("Explain(nil): allowed %t, explanation %v; want false and a text", d.Allowed(), x)
	}
	for name, d := range map[string]fileaccess.MoveDecision{"DecideRename": fileaccess.DecideRename(nil),
		"DecideLink": fileaccess.DecideLink(nil)} {
		check.That(t, !d.Allowed() && d.Status() == ntstatus.InvalidParameter,
			"%s(nil): %v, want %v", name, d.Status(), ntstatus.InvalidParameter)
	}
	for name, m := range map[string]fileaccess.MaximalAccess{"subject": fileaccess.Maximal(nil, f),
		"facts": fileaccess.Maximal(&s, nil)} {
		check.That(t, !m.Allowed() && m.Access == 0, "Maximal without %s: %v, want no rights", name, m)
	}
	if fileaccess.Can(nil, sd.NoSecurity, 1, nil) != 0 || fileaccess.Visible(nil, sd.NoSecurity,
		winnt.FILE_ALL_ACCESS, nil) || fileaccess.Visible(&s, nil, winnt.FILE_ALL_ACCESS, nil) {
		t.Error("Can or Visible with a nil subject or descriptor grants rights")
	}
	for _, c := range []struct {
		s     *access.Subject
		share *fileaccess.Share
	}{{nil, &fileaccess.Share{Descriptor: sd.NoSecurity}}, {&s, nil}, {&s, &fileaccess.Share{}}} {
		if tree, st := fileaccess.Connect(c.s, c.share, nil); st == ntstatus.Success || tree != (fileaccess.Tree{}) {
			t.Errorf("Connect with a nil or empty argument: %v, %v; want a zero tree and an error status", tree, st)
		}
	}
}

// An SMB server that uses this package returns maximal access, inherits descriptors, and lets only the rights of a
// handle change them.
func TestServerUsesPackageForWholeOpen(t *testing.T) {
	s, dir, file := smbWorld(t)
	// The response has the maximal access, and MAXIMUM_ALLOWED grants it.
	o, st := s.open("a", dir, file, winnt.MAXIMUM_ALLOWED, fileaccess.FileOpen, 0)
	check.RequireThat(t, st == ntstatus.Success && o.handle.Granted == 0x1301BF && o.max.Access == 0x1301BF,
		"open for MAXIMUM_ALLOWED: %v, %+v; want granted and maximal access 0x1301BF", st, o)
	// The new file inherits the ten entries.
	made, st := s.open("b", dir, nil, winnt.GENERIC_ALL, fileaccess.FileCreate, 0)
	check.RequireThat(t, st == ntstatus.Success && made.handle.Granted == 0x1F01FF,
		"create: %v, %+v; want granted 0x1F01FF", st, made)
	own := &smbFile{SD: made.newSD}
	got, st := querySMBSecurity(&made.handle, own, winnt.OWNER_SECURITY_INFORMATION|winnt.DACL_SECURITY_INFORMATION)
	d, err := sd.Decode(got)
	check.RequireThat(t,
		st == ntstatus.Success && err == nil && d.DACL().Len() == 10 && d.Owner() == s.subject.Effective().User().SID,
		"querySMBSecurity of the new file: %v, %v, %x; want ten entries and the user as the owner", st, err, got)
	// The owner removes all entries and then has only the owner's rights.
	check.Require(t, s.setSecurity(&made.handle, own, winnt.DACL_SECURITY_INFORMATION,
		sddl.MustParse("D:P").Append(nil)), ntstatus.Success, "set the DACL")
	check.Equal(t, check.Status(s.open("b", dir, own, winnt.FILE_WRITE_DATA, fileaccess.FileOpen, 0)),
		ntstatus.AccessDenied, "open for writing without entries")
	check.Equal(t, check.Status(s.open("b", dir, own, winnt.WRITE_DAC, fileaccess.FileOpen, 0)), ntstatus.Success,
		"open for WRITE_DAC by the owner")
	check.Equal(t, s.setSecurity(&o.handle, file, winnt.DACL_SECURITY_INFORMATION,
		sddl.MustParse("D:P").Append(nil)), ntstatus.AccessDenied, "setSecurity with a handle without WRITE_DAC")
	// An unreadable descriptor grants nothing.
	check.Equal(t, check.Status(s.open("a", dir, &smbFile{}, winnt.READ_CONTROL, fileaccess.FileOpen, 0)),
		ntstatus.AccessDenied, "open with an unreadable descriptor")
}
