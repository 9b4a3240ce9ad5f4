package dav

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestBudgetLimitsReplacement checks that a COPY over a folder may copy as many resources as its budget, and replace as
// many. A COPY beyond the budget changes nothing (G-20, G-42).
func TestBudgetLimitsReplacement(t *testing.T) {
	for _, c := range []struct {
		from, to Path
		budget   int
		want     int
	}{{"/c/e", "/c/d", 2, 0}, {"/c/e", "/c/d", 1, http.StatusMultiStatus}, {"/c/d", "/c/e", 2, 0},
		{"/c/d", "/c/e", 1, http.StatusMultiStatus}} {
		m := newMemory(t)
		before := m.tree()
		x := &exchange{Engine: m.Engine, ctx: t.Context(), r: httptest.NewRequest("COPY", "/", nil), files: m,
			name: c.from, to: c.to, method: "COPY", budget: c.budget}
		code, after := codeOf(x.replaceTree(Info{Folder: true})), m.tree()
		check.That(t, code == c.want && (after == before) == (c.want != 0), "%v: %d\n%s", c, code, after)
	}
}
