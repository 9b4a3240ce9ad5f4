package fileaccess_test

import (
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

// The names of section 12.
var (
	caseU  = sid.MustParse("S-1-5-21-1-2-3-1001")
	caseG  = sid.MustParse("S-1-5-21-1-2-3-2001")
	domain = sid.MustParse("S-1-5-21-1-2-3")
)

const (
	enabled    = token.GroupDefault
	maxAllowed = winnt.MAXIMUM_ALLOWED
)

// baseSpec returns token T: {U; G, WD, AU}, medium, impersonation,
// SeChangeNotify.
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
	tok, err := token.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// aces makes a descriptor O:BAG:SY with a DACL, and a SACL after "S:"; "U:" in
// front makes U the owner. "empty" is an empty DACL.
func aces(t testing.TB, text string) *sd.Descriptor {
	t.Helper()
	owner := "BA"
	if rest, ok := strings.CutPrefix(text, "U:"); ok {
		owner, text = caseU.String(), rest
	}
	text = strings.NewReplacer(";U)", ";"+caseU.String()+")", ";G)", ";"+caseG.String()+")", "empty", "").Replace(text)
	d, err := sddl.Parse("O:"+owner+"G:SYD:"+text, sddl.Options{Domain: domain, Extended: true})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return d
}

// situation holds what a case changes before the open.
type situation struct {
	t     testing.TB
	token token.Spec
	r     *fileaccess.Request
	f     *fileaccess.Facts
}

type setup func(*situation)

// newSituation applies section 12's default: the file exists in default P with
// default O, and is opened.
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
func asked(a fileaccess.Attributes) setup { return func(s *situation) { s.r.Attributes = a } }
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
func identification(s *situation) {
	s.token.Level = winnt.SecurityIdentification
}

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

// path puts directories on the way; each is a DACL.
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

// open runs a case's open twice, plain and explained, and checks that both
// agree.
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
	if same != d || x == nil || x.String() == "" {
		t.Errorf("explained differs:\n%+v\n%+v", explained, d)
	}
	if d.Allowed() == (d.Rule != "") || d.Allowed() != (d.Err() == nil) || !d.Allowed() && d.Granted != 0 {
		t.Errorf("inconsistent: %+v", d)
	}
	return d, s
}

const denied = ntstatus.AccessDenied

// sdText returns a descriptor for failure messages.
func sdText(d *sd.Descriptor) string {
	text, err := sddl.Format(d, sddl.Options{Extended: true})
	if err != nil {
		return err.Error()
	}
	return text
}
