package effective_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Each policy of a label leaves principals of a lower level the rights that the access check leaves them, whatever
// privileges they hold.
func TestLabelLimitsEachRightLikeCheck(t *testing.T) {
	var people []*token.Token
	privileges := []winnt.Privilege{winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege}
	for some := range 1 << len(privileges) {
		s := token.Spec{User: token.Group{SID: worldDomain.WithRID(1107)}, Integrity: sid.LowLevel,
			Groups:          []token.Group{{SID: sid.Everyone, Attributes: token.GroupDefault}},
			MandatoryPolicy: winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP}
		for i, p := range privileges {
			if some>>i&1 != 0 {
				s.Privileges |= p.Bit()
			}
		}
		s.EnabledPrivileges = s.Privileges
		people = append(people, check.Must(token.New(s)))
	}
	q := effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{saclBit | 1, saclBit | winnt.WRITE_OWNER,
		winnt.WRITE_OWNER | winnt.SYNCHRONIZE, winnt.WRITE_OWNER | 2, winnt.FILE_ALL_ACCESS}}
	for bit := winnt.AccessMask(1); bit <= saclBit; bit <<= 1 {
		q.Rights = append(q.Rights, bit)
	}
	e := check.Must(effective.NewEvaluator(effective.Compile(people, effective.Config{}), q))
	for _, level := range []string{"S-1-16-4096", "S-1-16-8192", "S-1-16-16384"} {
		for policy := range winnt.AccessMask(9) {
			p := sddl.MustParse("O:SYG:SYD:(A;;0xfffff;;;WD)").Parts()
			p.SACL = check.Must(sd.NewACL(check.Must(sd.NewACE(sd.SystemMandatoryLabel, 0, policy, sid.MustParse(level)))))
			d := sd.New(p)
			sets := e.Allowed(d)
			for r, mask := range q.Rights {
				for i, person := range people {
					want := check.Must(access.Check(person, d, mask, q.Type)).Allowed()
					check.That(t, sets[r].Has(i) == want, "label %s with policy %d, right %v, principal with %v: %t, want %t",
						level, policy, mask, person.Enabled().Names(), !want, want)
				}
			}
		}
	}
}

// A label whose SID is not an integrity level counts as Medium with no-write-up.
func TestMalformedLabelIsMedium(t *testing.T) {
	noLevel, _ := sid.New(16)
	low := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"],"integrityLevel":"Low"}`)
	e := check.Must(effective.NewEvaluator(effective.Compile(low, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA}}))
	for _, label := range []sid.SID{noLevel, sid.Everyone} {
		p := sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)").Parts()
		p.SACL = check.Must(sd.NewACL(check.Must(sd.NewACE(sd.SystemMandatoryLabel, 0,
			winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP, label))))
		sets := e.Allowed(sd.New(p))
		check.That(t, sets[0].Has(0) && !sets[1].Has(0),
			"label %s: a principal at Low reads: %t, writes: %t; want true, false", label, sets[0].Has(0), sets[1].Has(0))
	}
}
