package bulk_test

import (
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
	dir := check.Must(dirfile.Read([]byte(`{"domain":"S-1-5-21-1-2-3","users":[` + users + `]}`)))
	r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse(rights)), Ask: bulk.Index}
	var all []map[string]string
	for _, row := range decode[struct {
		Path string
		Sets map[string]string
	}](t, rowsOf(t, r, rows)) {
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
		check.DeepEqual(t, is[:2], was[:2], "%s: set names", name)
		check.Equal(t, is[2]["read"] == was[2]["read"], name == "another order",
			"%s: the set of all users has the same name", name)
	}
	check.That(t, was[1]["read"] != was[1]["write"] && was[0]["read"] != was[1]["read"],
		"sets of different rights or principals have the same name: %v, want different names", was)
	check.That(t, was[0]["write"] == was[2]["write"],
		"empty sets of one right have different names: %v, want one name", was)
	// Users with the same SID have the order of their names.
	twin := user("twin", 1107)
	check.DeepEqual(t, setNames(t, alice+","+twin, "read", rows), setNames(t, twin+","+alice, "read", rows),
		"set names of two users with one SID, in another order")
	// A word is its mask.
	got := setNames(t, alice+","+bob, "read+0x120089+0x80000000+write+full", rows)
	check.Equal(t, got[0]["read"], got[0]["0x120089"], "names of the sets of one mask")
	check.Equal(t, got[0]["0x80000000"], got[0]["0x120089"], "names of the sets of a generic right and of its mask")
}

// TestLargeSetNameDependsOnEachMember checks that sets of many users differ in name if they differ in one user, whether
// the users are of one domain or of many (B-3).
func TestLargeSetNameDependsOnEachMember(t *testing.T) {
	for domains := range 2 {
		var users []string
		for i := range 1000 {
			users = append(users, fmt.Sprintf(`{"name":"u%d","sid":"S-1-5-21-1-2-%d-%d"}`, i, domains*i, 1000+i))
		}
		var rows strings.Builder
		for _, i := range []int{0, 1, 998, 999} {
			fmt.Fprintf(&rows, `{"path":"/%d","sd":"O:BAG:BAD:(D;;FR;;;S-1-5-21-1-2-%d-%d)(A;;FR;;;WD)"}`+"\n", i, domains*i,
				1000+i)
		}
		names := map[string]bool{}
		for _, sets := range setNames(t, strings.Join(users, ","), "read", rows.String()) {
			names[sets["read"]] = true
		}
		check.Equal(t, len(names), 4, "names of four sets")
	}
}

// Users with the same SID are distinguished by name, and users with equal RIDs by their domains (B-3).
func TestSimilarUsersAreDifferentSets(t *testing.T) {
	for name, c := range map[string]struct{ users, first, second string }{
		"the same SID": {`{"name":"plain","sid":"S-1-5-21-1-2-3-1107"},` +
			`{"name":"staff","sid":"S-1-5-21-1-2-3-1107","memberOf":["BU","BG"]},` +
			`{"name":"guest","sid":"S-1-5-21-1-2-3-1107","memberOf":["S-1-5-21-1-2-3-2000"]}`,
			"BG", "S-1-5-21-1-2-3-2000"},
		"equal RIDs": {`{"name":"near","sid":"S-1-5-21-1-2-3-1107"},{"name":"far","sid":"S-1-5-21-9-9-9-1107"}`,
			"S-1-5-21-1-2-3-1107", "S-1-5-21-9-9-9-1107"},
		"equal RIDs behind another user": {`{"name":"first","sid":"S-1-5-21-1-2-3-1107","memberOf":["BG","BO"]},` +
			`{"name":"near","sid":"S-1-5-21-1-2-3-1108","memberOf":["BG"]},` +
			`{"name":"far","sid":"S-1-5-21-9-9-9-1108","memberOf":["BO"]}`, "BG", "BO"},
	} {
		rows := fmt.Sprintf(`{"path":"/a","sd":"O:BAG:BAD:(A;;FR;;;%s)"}`+"\n"+
			`{"path":"/b","sd":"O:BAG:BAD:(A;;FR;;;%s)"}`+"\n", c.first, c.second)
		got := setNames(t, c.users, "read", rows)
		check.That(t, got[0]["read"] != got[1]["read"], "%s: one set name %v, want two", name, got)
	}
}
