package sd_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Select includes an empty SACL for each kind of its entries, and for no other part (S-74).
func TestEmptySACLBelongsToEachOfItsParts(t *testing.T) {
	d := parse("O:BAG:SYD:S:")
	for info, there := range map[uint32]bool{0: false, owner: false, group: false, dacl: false,
		owner | group | dacl: false, sacl: true, label: true, winnt.ATTRIBUTE_SECURITY_INFORMATION: true,
		winnt.SCOPE_SECURITY_INFORMATION:               true,
		winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION: true, winnt.ACCESS_FILTER_SECURITY_INFORMATION: true} {
		got := sd.Select(d, info)
		check.That(t, (got.SACL() != nil) == there && (got.Control()&sd.SACLPresent != 0) == there,
			"S-74: Select(%#x): SACL %v, control %v, want a SACL: %v", info, got.SACL(), got.Control(), there)
	}
	for kind, want := range map[sd.Type]uint32{sd.SystemMandatoryLabel: label,
		sd.SystemAccessFilter:      winnt.ACCESS_FILTER_SECURITY_INFORMATION,
		sd.SystemScopedPolicyID:    winnt.SCOPE_SECURITY_INFORMATION,
		sd.SystemResourceAttribute: winnt.ATTRIBUTE_SECURITY_INFORMATION, sd.SystemAudit: sacl, 0x7F: sacl,
		sd.SystemProcessTrustLabel: winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION} {
		got := sd.PartOf(kind)
		check.That(t, got == want, "PartOf(%v) = %#x, want %#x", kind, got, want)
	}
}

// Each part of a descriptor requires its rights to query and to set it.
func TestDescriptorPartNeedsQueryOrSetRight(t *testing.T) {
	const rc, wd, wo, ass = winnt.READ_CONTROL, winnt.WRITE_DAC, winnt.WRITE_OWNER, winnt.ACCESS_SYSTEM_SECURITY
	for _, c := range []struct {
		info       uint32
		query, set winnt.AccessMask
	}{
		{owner, rc, wo}, {group, rc, wo}, {dacl, rc, wd}, {sacl, ass, ass}, {label, rc, wo},
		{winnt.ATTRIBUTE_SECURITY_INFORMATION, rc, wd}, {winnt.SCOPE_SECURITY_INFORMATION, rc, ass},
		{winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION, rc, wd}, {winnt.ACCESS_FILTER_SECURITY_INFORMATION, rc, wd},
		{winnt.PROTECTED_DACL_SECURITY_INFORMATION, 0, wd}, {winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, 0, ass},
		{backup, rc | ass, wd | wo | ass}, {owner | dacl, rc, wo | wd},
	} {
		if q, s := sd.QueryAccess(c.info), sd.SetAccess(c.info); q != c.query || s != c.set {
			t.Errorf("part %#x: rights to query %v, to set %v, want %v, %v", c.info, q, s, c.query, c.set)
		}
	}
}

func TestSelectReturnsChosenParts(t *testing.T) {
	d := parse("O:BAG:SYD:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;LW)")
	for info, want := range map[uint32]string{owner | dacl: "O:BAD:P(A;;FA;;;BA)", label: "S:AI(ML;;NW;;;LW)",
		group | sacl: "G:SYS:AI(AU;SA;FA;;;WD)(ML;;NW;;;LW)", winnt.SCOPE_SECURITY_INFORMATION: "",
		backup: "O:BAG:SYD:P(A;;FA;;;BA)S:AI(AU;SA;FA;;;WD)(ML;;NW;;;LW)"} {
		check.Equal(t, text(t, sd.Select(d, info)), want, "Select(%#x)", info)
	}
	const marks = sd.OwnerDefaulted | sd.GroupDefaulted | sd.DACLDefaulted | sd.SACLDefaulted
	marked := with(d, func(p *sd.Parts) { p.Control |= marks })
	for info, want := range map[uint32]sd.Control{owner: sd.OwnerDefaulted, group: sd.GroupDefaulted,
		dacl: sd.DACLDefaulted, sacl: sd.SACLDefaulted} {
		check.Equal(t, sd.Select(marked, info).Control()&marks, want, "marks of Select(%#x)", info)
	}
}
