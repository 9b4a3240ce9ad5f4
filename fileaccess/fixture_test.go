package fileaccess_test

import (
	"fmt"
	"strings"
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

// The SIDs of the conformance cases.
var (
	caseU  = sid.MustParse("S-1-5-21-1-2-3-1001")
	caseG  = sid.MustParse("S-1-5-21-1-2-3-2001")
	domain = sid.MustParse("S-1-5-21-1-2-3")
)

const (
	enabled    = token.GroupDefault
	maxAllowed = winnt.MAXIMUM_ALLOWED
)

// baseSpec returns the token of the conformance cases: user U, groups G, Everyone and Authenticated Users, Medium
// integrity, impersonation, SeChangeNotifyPrivilege.
func baseSpec() token.Spec {
	return token.Spec{
		User: token.Group{SID: caseU},
		Groups: []token.Group{{SID: caseG, Attributes: enabled}, {SID: sid.Everyone, Attributes: enabled},
			{SID: sid.AuthenticatedUsers, Attributes: enabled}},
		Type: winnt.TokenImpersonation, Level: winnt.SecurityImpersonation,
		Integrity: sid.MediumLevel, MandatoryPolicy: winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP,
		Privileges: winnt.SeChangeNotifyPrivilege.Bit(), EnabledPrivileges: winnt.SeChangeNotifyPrivilege.Bit(),
	}
}

func mustToken(t testing.TB, s token.Spec) *token.Token {
	t.Helper()
	return check.Must(token.New(s))
}

// aces returns a descriptor O:BAG:SY with a DACL, and a SACL after "S:". A leading "U:" makes U the owner. "empty"
// means an empty DACL.
func aces(t testing.TB, text string) *sd.Descriptor {
	t.Helper()
	owner := "BA"
	if rest, ok := strings.CutPrefix(text, "U:"); ok {
		owner, text = caseU.String(), rest
	}
	text = strings.NewReplacer(";U)", ";"+caseU.String()+")", ";G)", ";"+caseG.String()+")", "empty", "").Replace(text)
	d, err := sddl.Parse("O:"+owner+"G:SYD:"+text, sddl.Options{Domain: domain, Extended: true})
	check.RequireThat(t, err == nil, "sddl.Parse of %q: %v", text, err)
	return d
}

// situation is the request and the facts that a case changes before the open.
type situation struct {
	t     testing.TB
	token token.Spec
	r     *fileaccess.Request
	f     *fileaccess.Facts
}

type setup func(*situation)

// newSituation returns the default of the conformance cases: the file exists in a directory P, and is opened.
func newSituation(t testing.TB) *situation {
	s := &situation{t: t, token: baseSpec()}
	s.r = &fileaccess.Request{Disposition: fileaccess.FileOpen, Attributes: fileaccess.AttributeNormal, Share: 7,
		Name: "f"}
	s.f = &fileaccess.Facts{Parent: &fileaccess.Directory{Name: "P", Descriptor: aces(t, "(A;;0x1200A9;;;WD)")}}
	s.f.Object = fileaccess.Object{Exists: true, Attributes: fileaccess.AttributeNormal,
		Descriptor: aces(t, "(A;;FA;;;WD)")}
	return s
}

func (s *situation) apply(all []setup) {
	for _, f := range all {
		f(s)
	}
	s.r.Subject = access.SubjectOf(mustToken(s.t, s.token))
}

func p(text string) setup { return func(s *situation) { s.f.Parent.Descriptor = aces(s.t, text) } }
func o(text string) setup { return func(s *situation) { s.f.Object.Descriptor = aces(s.t, text) } }

var noP = p("(A;;0x20;;;WD)")

func attributes(a fileaccess.Attributes) setup {
	return func(s *situation) { s.f.Object.Attributes = a }
}
func attrs(a fileaccess.Attributes) setup { return func(s *situation) { s.r.Attributes = a } }
func options(o fileaccess.CreateOptions) setup {
	return func(s *situation) { s.r.Options |= o }
}
func disposition(d fileaccess.Disposition) setup {
	return func(s *situation) { s.r.Disposition = d }
}
func missing(s *situation)     { s.f.Object = fileaccess.Object{} }
func directory(s *situation)   { s.f.Object.IsDirectory = true }
func observed(s *situation)    { s.f.Policy.Profile = fileaccess.Observed }
func readOnlyVol(s *situation) { s.f.ReadOnlyVolume = true }
func askMax(s *situation)      { s.r.Maximal = true }
func smb(s *situation)         { s.r.Face = fileaccess.SMB }

func share(text string) setup {
	return func(s *situation) {
		s.r.Face = fileaccess.SMB
		s.f.Share = &fileaccess.Share{Descriptor: aces(s.t, "(A;;"+text+";;;WD)")}
	}
}
func abe(s *situation) { s.f.Share.ABE = true }

func creatorSD(text string) setup {
	return func(s *situation) { s.r.CreatorSD = sddl.MustParse(text) }
}

func with(ps ...winnt.Privilege) setup {
	return func(s *situation) {
		s.token.Privileges |= winnt.Privileges(ps...)
		s.token.EnabledPrivileges = s.token.Privileges
	}
}
func disabled(p winnt.Privilege) setup {
	return func(s *situation) { s.token.Privileges |= p.Bit() }
}
func noChangeNotify(s *situation) {
	s.token.Privileges &^= winnt.SeChangeNotifyPrivilege.Bit()
	s.token.EnabledPrivileges = s.token.Privileges
}

// path adds directories to the path, each with a DACL.
func path(dacls ...string) setup {
	return func(s *situation) {
		for i, text := range dacls {
			s.f.Path = append(s.f.Path, fileaccess.Component{Name: string(rune('a' + i)), Descriptor: aces(s.t, text),
				Exists: true, IsDirectory: true})
		}
	}
}
func component(i int, f func(*fileaccess.Component)) setup {
	return func(s *situation) { f(&s.f.Path[i]) }
}

const (
	backup   = winnt.SeBackupPrivilege
	restore  = winnt.SeRestorePrivilege
	security = winnt.SeSecurityPrivilege
)

var intent = options(fileaccess.OpenForBackupIntent)

// open makes the open with Open and with Explain and checks that both agree.
func open(t testing.TB, desired winnt.AccessMask, all ...setup) (fileaccess.Decision, *situation) {
	t.Helper()
	s := newSituation(t)
	s.apply(all)
	s.r.Desired = desired
	d := fileaccess.Open(s.r, s.f)
	explained, x := fileaccess.Explain(s.r, s.f)
	same := explained
	if d.NewSD != nil && explained.NewSD != nil && d.NewSD.Equal(explained.NewSD) {
		same.NewSD, same.Audit.Descriptor = d.NewSD, d.Audit.Descriptor
	}
	check.That(t, same == d && x != nil && x.String() != "",
		"Explain = %+v\nOpen = %+v, want equal decisions", explained, d)
	check.That(t, d.Allowed() != (d.Rule != "") && d.Allowed() == (d.Err() == nil) && (d.Allowed() || d.Granted == 0),
		"inconsistent decision %+v: want a rule and an error exactly if it denies, and then no rights", d)
	return d, s
}

const denied = ntstatus.AccessDenied

// sdText formats a descriptor for failure messages.
func sdText(d *sd.Descriptor) string {
	text, err := sddl.Format(d, sddl.Options{Extended: true})
	if err != nil {
		return err.Error()
	}
	return text
}

// typical returns a typical open of a file server: a user with twenty SIDs, a descriptor with ten entries of which
// the last decides, two directories on the path, a share.
func typical(t testing.TB, desired winnt.AccessMask) (*fileaccess.Request, *fileaccess.Facts) {
	spec := baseSpec()
	for i := range uint32(16) {
		spec.Groups = append(spec.Groups, token.Group{SID: domain.WithRID(5000 + i), Attributes: enabled})
	}
	var list []sd.ACE
	for i := range uint32(10) {
		who := domain.WithRID(900000 + i)
		if i == 9 {
			who = caseG
		}
		list = append(list, check.Must(sd.NewACE(sd.AccessAllowed, 0, winnt.FILE_ALL_ACCESS, who)))
	}
	d := sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: check.Must(sd.NewACL(list...))})
	f := &fileaccess.Facts{
		Path: []fileaccess.Component{{Name: "a", Descriptor: d, Exists: true, IsDirectory: true},
			{Name: "b", Descriptor: d, Exists: true, IsDirectory: true}},
		Parent: &fileaccess.Directory{Name: "b", Descriptor: d},
		Object: fileaccess.Object{Exists: true, Attributes: normal, Descriptor: d},
		Share:  &fileaccess.Share{Maximal: 0x1301BF},
	}
	r := &fileaccess.Request{Subject: access.SubjectOf(mustToken(t, spec)), Desired: desired,
		Disposition: fileaccess.FileOpen, Share: 7, Face: fileaccess.SMB, Name: `a\b\report.docx`}
	return r, f
}

func in(all ...setup) []setup { return all }

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
	streamExists  = func(s *situation) { s.f.Object.Stream, s.f.Object.StreamExists = true, true }
	noSecurity    = func(s *situation) { s.f.Object.Descriptor = nil }
	hideDenied    = func(s *situation) { s.f.Policy.HideDenied = true }
	byID          = options(fileaccess.OpenByFileID)
	symlink       = func(s *situation) { s.f.Object.ReparseTag = fileaccess.SymbolicLinkTag }
	twoDirs       = path("(A;;0x1;;;WD)", "(A;;0x20;;;WD)")
	never         = func(s *situation) { s.f.Policy.Traverse = fileaccess.TraverseNever }
	always        = func(s *situation) { s.f.Policy.Traverse = fileaccess.TraverseAlways }
	exclusive     = func(s *situation) { s.r.Share = 0 }
)

// user returns a user without privileges.
func user() access.Subject {
	t, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"],"type":"Impersonation"}`))
	if err != nil {
		panic(err)
	}
	return access.SubjectOf(t)
}

// fromBoth returns a subject whose client and server tokens differ in everything that a new descriptor depends on.
func fromBoth(t *testing.T, level sid.SID, ps ...winnt.Privilege) access.Subject {
	t.Helper()
	client := baseSpec()
	for _, p := range ps {
		client.Privileges, client.EnabledPrivileges = client.Privileges|p.Bit(), client.EnabledPrivileges|p.Bit()
	}
	client.Integrity = level
	client.DefaultDACL = sddl.MustParse("D:(A;;FR;;;AU)").DACL()
	client.PrimaryGroup = sid.AuthenticatedUsers
	server := token.Spec{User: token.Group{SID: domain.WithRID(3001)}, Integrity: sid.SystemLevel,
		Groups: []token.Group{{SID: domain.WithRID(3002), Attributes: enabled | winnt.SE_GROUP_OWNER},
			{SID: domain.WithRID(3003), Attributes: enabled}},
		Owner: domain.WithRID(3002), PrimaryGroup: domain.WithRID(3003),
		DefaultDACL: sddl.MustParse("D:(A;;FA;;;SY)").DACL(), TrustLevel: sid.MustParse("S-1-19-512-8192"),
		Privileges: winnt.SeRestorePrivilege.Bit() | winnt.SeSecurityPrivilege.Bit() | winnt.SeRelabelPrivilege.Bit()}
	server.EnabledPrivileges = server.Privileges
	return access.Subject{Primary: mustToken(t, server), Client: mustToken(t, client), Level: winnt.SecurityImpersonation}
}

// smbWorld returns a client with 15 groups, a directory with ten inheritable entries of which the fifth is for the
// first of these groups, and a file with the inherited entries.
func smbWorld(tb testing.TB) (s *smbSession, dir, file *smbFile) {
	tb.Helper()
	const domain = "S-1-5-21-1-2-3-"
	var groups []sid.SID
	parent, child := "O:BAG:BAD:AI", "O:BAG:BAD:AI"
	for i := range 15 {
		groups = append(groups, sid.MustParse(fmt.Sprint(domain, 2005+i)))
	}
	for i := range 10 {
		parent += fmt.Sprint("(A;OICI;0x1301BF;;;", domain, 2001+i, ")")
		child += fmt.Sprint("(A;ID;0x1301BF;;;", domain, 2001+i, ")")
	}
	s = check.Must(newSMBSession(sid.MustParse(domain+"1001"), groups, sddl.MustParse("D:(A;;FA;;;WD)").Append(nil)))
	dir = &smbFile{Dir: true, SD: sddl.MustParse(parent).Append(nil)}
	return s, dir, &smbFile{SD: sddl.MustParse(child).Append(nil)}
}
