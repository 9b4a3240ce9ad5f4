package fileaccess_test

import (
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

// fromBoth returns a subject whose client's and whose server's token differ in everything that a descriptor takes of
// a token.
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
	return access.Subject{Primary: mustToken(t, server), Client: mustToken(t, client),
		Level: winnt.SecurityImpersonation}
}

// TestDescriptorOfTheMaker: a new object's descriptor is the client's: owner, group, default list, level and
// privileges; only the server's forms of CREATOR OWNER and CREATOR GROUP stand for the server's (F-32, S-61 to S-71).
func TestDescriptorOfTheMaker(t *testing.T) {
	const low, user, group = "(ML;;NW;;;LW)", "S-1-5-21-1-2-3-1001", "S-1-5-11"
	const own = "O:" + user + "G:" + group
	for name, c := range map[string]struct {
		parent, creator string
		level           sid.SID
		privileges      []winnt.Privilege
		want            string
		st              ntstatus.Status
	}{
		"the token's default list": {"(A;;FA;;;WD)", "", sid.MediumLevel, nil, own + "D:(A;;FR;;;AU)", 0},
		"a level below medium":     {"(A;;FA;;;WD)", "", sid.LowLevel, nil, own + "D:(A;;FR;;;AU)S:" + low, 0},
		"creators of both": {"(A;;FA;;;WD)(A;OIIO;FR;;;CO)(A;OIIO;FW;;;CG)(A;OIIO;FX;;;S-1-3-2)(A;OIIO;0x1;;;S-1-3-3)",
			"", sid.MediumLevel, nil, own + "D:(A;;FR;;;" + user + ")(A;;FW;;;" + group +
				")(A;;FX;;;S-1-5-21-1-2-3-3002)(A;;0x1;;;S-1-5-21-1-2-3-3003)", 0},
		"generic rights are mapped": {"(A;;FA;;;WD)(A;OIIO;GR;;;BA)", "", sid.MediumLevel, nil, own + "D:(A;;FR;;;BA)", 0},
		"a group that may own": {"(A;;FA;;;WD)", "O:S-1-5-21-1-2-3-2009D:", sid.MediumLevel, nil,
			"O:S-1-5-21-1-2-3-2009G:" + group + "D:", 0},
		"a group that may not own": {"(A;;FA;;;WD)", "O:S-1-5-21-1-2-3-2001D:", sid.MediumLevel, nil, "",
			ntstatus.InvalidOwner},
		"the server's user": {"(A;;FA;;;WD)", "O:S-1-5-21-1-2-3-3001D:", sid.MediumLevel, nil, "", ntstatus.InvalidOwner},
		"anyone, with the privilege": {"(A;;FA;;;WD)", "O:SYG:BAD:", sid.MediumLevel,
			[]winnt.Privilege{winnt.SeRestorePrivilege}, "O:SYG:BAD:", 0},
		"an audit": {"(A;;FA;;;WD)", "D:S:(AU;SA;FA;;;WD)", sid.MediumLevel,
			[]winnt.Privilege{winnt.SeRestorePrivilege, winnt.SeRelabelPrivilege}, "", notHeld},
		"an audit, with the privilege": {"(A;;FA;;;WD)", "D:S:(AU;SA;FA;;;WD)", sid.MediumLevel,
			[]winnt.Privilege{security}, own + "D:S:(AU;SA;FA;;;WD)", 0},
		"a label above": {"(A;;FA;;;WD)", "D:S:(ML;;NW;;;HI)", sid.MediumLevel,
			[]winnt.Privilege{security, winnt.SeRestorePrivilege}, "", notHeld},
		"a label above, with the privilege": {"(A;;FA;;;WD)", "D:S:(ML;;NW;;;HI)", sid.MediumLevel,
			[]winnt.Privilege{winnt.SeRelabelPrivilege}, own + "D:S:(ML;;NW;;;HI)", 0},
		"a label of one's own": {"(A;;FA;;;WD)", "D:S:(ML;;NW;;;HI)", sid.HighLevel, nil, own + "D:S:(ML;;NW;;;HI)", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := fromBoth(t, c.level, c.privileges...)
			spec := s.Client.Spec()
			spec.Groups = append(spec.Groups, token.Group{SID: domain.WithRID(2009),
				Attributes: enabled | winnt.SE_GROUP_OWNER})
			s.Client = mustToken(t, spec)
			r := &fileaccess.Request{Subject: s, Name: "f", Desired: 1, Disposition: fileaccess.FileCreate, Share: 7,
				Attributes: fileaccess.AttributeNormal}
			if c.creator != "" {
				r.CreatorSD = sddl.MustParse(c.creator)
			}
			parent := sddl.MustParse("O:BAG:SYD:" + c.parent + "S:(ML;;NW;;;LW)")
			f := &fileaccess.Facts{Parent: &fileaccess.Directory{Name: "P", Descriptor: parent}}
			d := fileaccess.Open(r, f)
			if d.Status() != c.st || (d.NewSD != nil) != (c.st == 0) {
				t.Fatalf("%v, %v, want %v", d.Status(), sdText(d.NewSD), c.st)
			}
			if c.st != 0 {
				if d.Rule != "F-32" || d.Granted != 0 || d.Action != 0 {
					t.Errorf("refused: %+v", d)
				}
				return
			}
			if want := sddl.MustParse(c.want); sdText(d.NewSD) != sdText(want) {
				t.Errorf("%s, want %s", sdText(d.NewSD), sdText(want))
			}
		})
	}
}

// TestChangerOfADescriptor: what is set is the client's to set: a trust label below the client's own trust, not the
// server's (F-51).
func TestChangerOfADescriptor(t *testing.T) {
	const whole = "O:BAG:SYD:(A;;FA;;;WD)"
	trusted := sddl.MustParse(whole + "S:(TL;;0x1;;;S-1-19-512-4096)")
	h := &fileaccess.Handle{Granted: 0x011F01FF}
	for name, c := range map[string]struct {
		trust string
		want  ntstatus.Status
	}{"no trust": {"", ntstatus.AccessDenied}, "less": {"S-1-19-512-1024", ntstatus.AccessDenied},
		"as much": {"S-1-19-512-4096", 0}, "more": {"S-1-19-1024-8192", 0}} {
		s := fromBoth(t, sid.MediumLevel)
		spec := s.Client.Spec()
		if c.trust != "" {
			spec.TrustLevel = sid.MustParse(c.trust)
		}
		s.Client = mustToken(t, spec)
		d, st := fileaccess.SetSecurity(h, &fileaccess.SecurityChange{Subject: s, New: trusted, Old: sddl.MustParse(whole),
			Information: winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION})
		if st != c.want || st == 0 && sdText(d) != sdText(trusted) || st != 0 && d != nil {
			t.Errorf("%s: %v, %s, want %v", name, st, sdText(d), c.want)
		}
	}
}

// TestMaximalOfWhatIsMade: the maximal access told of a new object is under the ceiling of the new descriptor, also for
// what its directory gives (F-42, F-45).
func TestMaximalOfWhatIsMade(t *testing.T) {
	for name, c := range map[string]struct {
		creator string
		want    winnt.AccessMask
	}{
		// The directory gives DELETE and FILE_READ_ATTRIBUTES; the owner's two rights are the maker's.
		"no entries": {"D:", winnt.READ_CONTROL | winnt.WRITE_DAC | winnt.DELETE | winnt.FILE_READ_ATTRIBUTES},
		"above":      {"D:S:(ML;;NWNRNX;;;HI)", 0},
	} {
		s := fromBoth(t, sid.MediumLevel, winnt.SeRelabelPrivilege)
		d := fileaccess.Open(&fileaccess.Request{Subject: s, Name: "f", Desired: 1, Disposition: fileaccess.FileCreate,
			Share: 7, Attributes: fileaccess.AttributeNormal, Maximal: true, CreatorSD: sddl.MustParse(c.creator)},
			&fileaccess.Facts{Parent: &fileaccess.Directory{Name: "P",
				Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")},
				Object: fileaccess.Object{Descriptor: sd.NoSecurity}})
		if d.Max.Access != c.want || d.Max.Allowed() != (c.want != 0) {
			t.Errorf("%s: %+v, want %v", name, d.Max, c.want)
		}
	}
}
