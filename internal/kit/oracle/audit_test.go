package oracle_test

import (
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

// A refusal is recorded by the rights that were requested, and by all rights only if the maximum alone was (U-11).
func TestRefusalIsRecordedByRequestedRights(t *testing.T) {
	const maximum = 0x02000000
	for desired, want := range map[oracle.Word]int{1: 1, 2: 0, 0x80000000: 1, maximum: 1, maximum | 1: 1, maximum | 2: 0} {
		q := &oracle.Auditing{Status: oracle.AccessDenied, AccessCheck: oracle.AccessCheck{
			Token: &oracle.Token{User: "S-1-5-7"}, Desired: desired, Mapping: oracle.File, SD: &oracle.Descriptor{
				SACL: &oracle.ACL{Entries: []oracle.ACE{{Type: oracle.Audit, Flags: oracle.AuditFailure, Mask: 1,
					SID: "S-1-5-7"}}}}}}
		check.Equal(t, len(oracle.Recorded(q)), want, "U-11: records of the request %#x", uint32(desired))
	}
}
