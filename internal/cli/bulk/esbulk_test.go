package bulk_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// esMatch is the query that connectors use: a document that has no term is everybody's.
func esMatch(terms, mine []string) bool {
	return len(terms) == 0 || slices.ContainsFunc(terms, func(s string) bool { return slices.Contains(mine, s) })
}

// TestESBulkQueryFindsReadableDocuments checks that by the connectors' query each user finds exactly the documents
// that the access check allows, and none that is unreadable or has unreadable rights (B-6).
func TestESBulkQueryFindsReadableDocuments(t *testing.T) {
	s := company.Sample{Seed: randtest.Seed(t), Objects: 400, Descriptors: 80, Principals: 40, Groups: 15}
	dir, list := sample(t, s)
	long := "/" + strings.Repeat("x", 600)
	most := "/" + strings.Repeat("x", 511)
	list += `{"path":"` + most + `","sd":"O:BAG:BAD:"}` + "\n" + `{"path":"/closed","sd":"O:BAG:BAD:"}` + "\n" +
		`{"path":"/bad","sd":"O:"}` + "\n" + `{"path":"` + long + `","sd":"O:BAG:BAD:(A;;FR;;;WD)"}` + "\n" +
		`{"path":"` + long + `y","sd":"O:BAG:BAD:"}` + "\n"
	r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Format: bulk.ESBulk}
	out := rowsOf(t, r, list)
	check.That(t, strings.HasSuffix(out, "\n"), "output %q does not end with a newline, want one", out)
	lines, inputs := strings.Split(strings.TrimSuffix(out, "\n"), "\n"), strings.Split(strings.TrimSpace(list), "\n")
	check.RequireThat(t, len(lines) == 2*len(inputs),
		"%d lines of %d objects, want %d", len(lines), len(inputs), 2*len(inputs))
	ids := map[string]bool{}
	for i, input := range inputs {
		var action struct {
			Index struct {
				ID string `json:"_id"`
			}
		}
		var document struct {
			Path  string
			Terms []string `json:"_allow_access_control"`
		}
		var o struct{ Path, SD, Type string }
		for text, to := range map[string]any{lines[2*i]: &action, lines[2*i+1]: &document, input: &o} {
			check.NoError(t, json.Unmarshal([]byte(text), to))
		}
		check.RequireThat(t, !ids[action.Index.ID] && len(action.Index.ID) <= 512 && document.Path == o.Path &&
			len(document.Terms) > 0, "action %+v, document %+v, want a short unique id and a term", action, document)
		ids[action.Index.ID] = true
		typ := winnt.FileObject
		if o.Type != "" {
			typ = winnt.ObjectTypeByName(o.Type)
		}
		d, bad := sddl.Parse(o.SD, sddl.Options{Domain: dir.Domain})
		for _, p := range dir.Principals {
			want := bad == nil && check.Must(access.Check(p.Token, d, typ.Mapping.Read, typ)).Allowed()
			mine := []string{fmt.Sprint("sid:", p.Token.User().SID)}
			check.Require(t, esMatch(document.Terms, mine), want, "%s finds %s", p.Name, o.Path)
		}
	}
	check.That(t, ids[most], "a path of 512 bytes is not its own id")
	for _, wrong := range []*bulk.Run{
		{Ask: bulk.Count, Rights: r.Rights}, {Ask: bulk.Index, Rights: r.Rights},
		{Rights: check.Must(words.Parse("read+write"))},
	} {
		wrong.Directory, wrong.Format = dir, bulk.ESBulk
		out, _, err := runOver(wrong, list)
		check.That(t, err != nil && out == "", "question %v: %q, no error, want an error", wrong.Ask, out)
	}
}
