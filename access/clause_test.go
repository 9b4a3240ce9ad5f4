package access_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// The words of a reason name the entry that decided, counted from 1 (U-125), or say that there is none.
func TestWordsNameTheDecidingEntry(t *testing.T) {
	for _, c := range []struct {
		reason  access.Reason
		granted bool
		want    string
	}{
		{access.Reason{Kind: access.AceAllow, List: "DACL"}, true, "entry 1 of the DACL allows WRITE_DAC"},
		{access.Reason{Kind: access.AceDeny, List: "DACL", Index: 9}, false, "entry 10 of the DACL denies WRITE_DAC"},
		{access.Reason{Kind: access.IntegrityPolicy, List: "SACL"}, false,
			"the integrity label, entry 1 of the SACL, forbids WRITE_DAC"},
		{access.Reason{Kind: access.IntegrityPolicy, List: "SACL", Index: -1}, false,
			"the default integrity label forbids WRITE_DAC"},
		{access.Reason{Kind: access.TrustLabel, List: "SACL"}, false,
			"the trust label, entry 1 of the SACL, forbids WRITE_DAC"},
		{access.Reason{Kind: access.AccessFilter, List: "SACL"}, false,
			"the access filter, entry 1 of the SACL, leaves out WRITE_DAC"},
		{access.Reason{Kind: access.RestrictedPass, List: "DACL"}, false,
			"entry 1 of the DACL denies WRITE_DAC to a restricting SID"},
		{access.Reason{Kind: access.RestrictedPass, List: "DACL", Index: -1}, false,
			"no entry grants WRITE_DAC to a restricting SID"},
		{access.Reason{Kind: access.AppContainerPass, List: "DACL"}, false,
			"entry 1 of the DACL denies WRITE_DAC to the package or its capabilities"},
		{access.Reason{Kind: access.AppContainerPass, List: "DACL", Index: -1}, false,
			"no entry grants WRITE_DAC to the package or its capabilities"},
		{access.Reason{Kind: access.Privilege, Privilege: winnt.SeBackupPrivilege}, true,
			"SeBackupPrivilege grants WRITE_DAC"},
		{access.Reason{Kind: access.Privilege, Privilege: winnt.SeBackupPrivilege}, false,
			"SeBackupPrivilege is not enabled"},
		{access.Reason{Kind: access.Owner}, true, "the owner has WRITE_DAC implicitly"},
		{access.Reason{Kind: access.CentralAccessRule, Name: "a\n"}, false,
			`the central access rule "a\n" does not grant WRITE_DAC`},
		{access.Reason{Kind: access.KernelMode}, true, "a caller in kernel mode has WRITE_DAC"},
		{access.Reason{Kind: access.PreviouslyGranted}, true, "an earlier check granted WRITE_DAC"},
		{access.Reason{Kind: access.NotAsked}, false, "the call failed before it checked WRITE_DAC"},
	} {
		check.Equal(t, c.reason.Words(c.granted, "WRITE_DAC"), c.want, "words of %v", c.reason)
	}
}

// Only an inherited entry of the list that decided is marked as inherited.
func TestExplanationMarksInheritedEntryOfItsList(t *testing.T) {
	for text, want := range map[string]string{
		"…(D;;0x1;;;WD)(A;;0x3;;;WD)S:(ML;ID;NW;;;HI)":   "entry 1 of the DACL denies",
		"…(D;ID;0x1;;;WD)(A;ID;0x3;;;WD)S:(ML;;NW;;;HI)": "entry 1 of the DACL (inherited) denies",
	} {
		pc := plainCase{sd: text, desired: maxMask, change: low}
		_, x, err := access.Explain(pc.request(t))
		check.NoError(t, err)
		check.That(t, strings.Contains(x.String(), want), "%s: want %q in\n%s", text, want, x)
	}
}
