package bulk_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// TestFullDACLWithPrincipalSelfIsUnreadable checks that an account whose DACL has no room for its SID in place of
// PRINCIPAL SELF gets an error, not an answer without a denial of itself.
func TestFullDACLWithPrincipalSelfIsUnreadable(t *testing.T) {
	dir, _ := sample(t, company.Sample{Seed: 1, Objects: 1, Descriptors: 1, Principals: 3, Groups: 1})
	self := dir.Principals[0].SID().String()
	r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("GenericAll")), Type: winnt.DirectoryServiceObject,
		Format: bulk.JSONL}
	full := "D:(D;;GA;;;PS)" + strings.Repeat("(A;;GA;;;WD)", 3275) // 65528 of 65532 bytes
	out, sum, err := runOver(r, `{"path":"/a","sd":"`+full+`","sid":"`+self+`"}`+"\n"+`{"path":"/b","sd":"`+full+`"}`+"\n")
	check.NoError(t, err)
	check.That(t, sum.Unreadable == 1 && strings.Contains(out, "no room") && sum.Allowed == 3,
		"%.300s\n%d unreadable, %d allowed; want the account unreadable, and 3 on the object without a SID", out,
		sum.Unreadable, sum.Allowed)
	const own = `"sd":"D:(A;;GA;;;PS)"` // an object without a SID does not share the answer of an account
	_, sum, err = runOver(&bulk.Run{Directory: dir, Rights: r.Rights, Type: r.Type}, `{"path":"/a",`+own+
		`,"sid":"`+self+`"}`+"\n"+`{"path":"/b",`+own+"}\n")
	check.That(t, err == nil && sum.Allowed == 1, "%v, %d allowed, want the account itself", err, sum.Allowed)
}
