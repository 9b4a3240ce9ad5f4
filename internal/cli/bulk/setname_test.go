package bulk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
)

// setNames returns the names of the sets of each object.
func setNames(t *testing.T, users, rights, rows string) []map[string]string {
	t.Helper()
	dir := must(dirfile.Read([]byte(`{"domain":"S-1-5-21-1-2-3","users":[` + users + `]}`)))
	r := &bulk.Run{Directory: dir, Rights: must(words.Parse(rights)), Ask: bulk.Index}
	out, _, err := runOver(t, context.Background(), r, rows)
	check.NoError(t, err)
	var all []map[string]string
	for line := range strings.Lines(out) {
		var row struct {
			Path string
			Sets map[string]string
		}
		check.NoError(t, json.Unmarshal([]byte(line), &row))
		if row.Path != "" {
			all = append(all, row.Sets)
		}
	}
	return all
}

// The name of a set depends on the SIDs in it and the mask of its right, not on other principals or their order
// (B-3).
func TestSetNameDependsOnMembersAndMask(t *testing.T) {
	user := func(name string, rid int) string {
		return fmt.Sprintf(`{"name":"%s","sid":"S-1-5-21-1-2-3-%d"}`, name, rid)
	}
	alice, bob, carol := user("alice", 1107), user("bob", 1108), user("carol", 1109)
	rows := `{"path":"/a","sd":"O:BAG:BAD:(A;;FR;;;S-1-5-21-1-2-3-1107)(A;;FR;;;S-1-5-21-1-2-3-1108)"}` + "\n" +
		`{"path":"/b","sd":"O:BAG:BAD:(A;;FA;;;S-1-5-21-1-2-3-1107)"}` + "\n" +
		`{"path":"/c","sd":"O:BAG:BAD:(A;;FR;;;AU)"}` + "\n"
	was := setNames(t, alice+","+bob, "read+write", rows)
	for name, users := range map[string]string{
		"one more user": carol + "," + alice + "," + bob, "another order": bob + "," + alice,
	} {
		is := setNames(t, users, "read+write", rows)
		if fmt.Sprint(is[:2]) != fmt.Sprint(was[:2]) {
			t.Errorf("%s: set names %v, want %v", name, is[:2], was[:2])
		}
		if same := is[2]["read"] == was[2]["read"]; same != (name == "another order") {
			t.Errorf("%s: name of the set of all users = %v, before %v, want it changed unless only the order "+
				"changes",
				name, is[2], was[2])
		}
	}
	check.That(t, was[1]["read"] != was[1]["write"] && was[0]["read"] != was[1]["read"],
		"sets of different rights or principals have the same name: %v, want different names", was)
	check.That(t, was[0]["write"] == was[2]["write"],
		"empty sets of one right have different names: %v, want one name", was)
	// A word is its mask.
	if got := setNames(t, alice+","+bob, "read+0x120089", rows); got[0]["read"] != got[0]["0x120089"] {
		t.Errorf("one mask has two set names: %v, want one", got[0])
	}
}

// Principals with the same SID are distinguished by name.
func TestSameSIDIsDistinguishedByName(t *testing.T) {
	users := `{"name":"plain","sid":"S-1-5-21-1-2-3-1107"},` +
		`{"name":"staff","sid":"S-1-5-21-1-2-3-1107","memberOf":["BU","BG"]},` +
		`{"name":"guest","sid":"S-1-5-21-1-2-3-1107","memberOf":["S-1-5-21-1-2-3-2000"]}`
	rows := `{"path":"/a","sd":"O:BAG:BAD:(A;;FR;;;BG)"}` + "\n" +
		`{"path":"/b","sd":"O:BAG:BAD:(A;;FR;;;S-1-5-21-1-2-3-2000)"}` + "\n"
	if got := setNames(t, users, "read", rows); got[0]["read"] == got[1]["read"] {
		t.Errorf("two principals with the same SID have the same set name: %v, want different names", got)
	}
}

// TestEqualRIDsOfTwoDomainsDiffer checks that users with equal RIDs in two domains are two sets (B-3).
func TestEqualRIDsOfTwoDomainsDiffer(t *testing.T) {
	users := `{"name":"near","sid":"S-1-5-21-1-2-3-1107"},{"name":"far","sid":"S-1-5-21-9-9-9-1107"}`
	rows := `{"path":"/a","sd":"O:BAG:BAD:(A;;FR;;;S-1-5-21-1-2-3-1107)"}` + "\n" +
		`{"path":"/b","sd":"O:BAG:BAD:(A;;FR;;;S-1-5-21-9-9-9-1107)"}` + "\n"
	if got := setNames(t, users, "read", rows); got[0]["read"] == got[1]["read"] {
		t.Errorf("principals with equal RIDs have the same set name: %v, want different names", got)
	}
}
