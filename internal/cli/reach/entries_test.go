package reach_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
)

// An entry is about a right of a step if it allows all parts of one on its object, with the other entries for its
// account, or denies a part of another than GenericAll (B-79).
func TestEntryMatchesStepWithAllParts(t *testing.T) {
	changes := func(kind, guid, who string) string { return "(" + kind + ";;CR;" + guid + ";;" + who + ")" }
	for _, c := range []struct{ class, entries, want string }{
		{"domain", changes("OA", changesGUID, "<ann>") + changes("OA", changesAllGUID, "<ann>") +
			changes("OA", changesGUID, "<bob>") + changes("OD", changesAllGUID, "<cy>"), "[true true false true]"},
		{"domain", changes("OA", changesGUID, "<ann>") + "(XD;;CR;;;<ann>;(@User.x))", "[false true]"},
		{"user", changes("OA", changesGUID, "<ann>") + changes("OA", passwordGUID, "<ann>") + "(A;;SW;;;<ann>)" +
			"(A;CIIO;GA;;;<ann>)(A;;WD;;;<bob>)(D;;RP;;;<bob>)", "[false true false false true false]"},
		{"group", "(A;;SW;;;<ann>)(A;;CR;;;<ann>)(D;;SWRP;;;<bob>)(OA;;WP;" + membershipGUID + ";;<cy>)",
			"[true false true true]"},
		{"holder", "(A;;GA;;;<ann>)(A;;WP;;;<ann>)", "[true false]"},
		{"managed", "(A;;RP;;;<ann>)(A;;WD;;;<ann>)", "[false true]"}, // whose password has its own descriptor (B-10)
	} {
		s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: []objects.Item{
			newItem("CN=thing,DC=x", "", c.class, "O:SYG:SYD:"+c.entries)}}
		if c.class == "managed" {
			s.Objects[0].Entry.Managed = s.Objects[0].Descriptor.Binary()
		}
		check.Must(s.Do(context.Background()))
		check.Equal(t, fmt.Sprint(check.Must(s.OfSteps(0))), c.want, "%s %s", c.class, c.entries)
	}
}
