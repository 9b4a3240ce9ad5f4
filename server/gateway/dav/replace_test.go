package dav

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestBudgetLimitsReplacement checks that a COPY over a folder may check and copy as many resources as its budget, in
// total, and that the removal of the old folder does not count. A COPY beyond the budget changes nothing (G-20, G-42).
func TestBudgetLimitsReplacement(t *testing.T) {
	for budget, want := range map[int]int{3: 0, 2: http.StatusMultiStatus} {
		m := newMemory(t)
		before := m.tree()
		x := &exchange{Engine: m.Engine, ctx: t.Context(), r: httptest.NewRequest("COPY", "/", nil), files: m,
			name: "/c/e", to: "/c/d", method: "COPY", budget: budget}
		code, after := codeOf(x.replaceTree(Info{Folder: true})), m.tree()
		check.That(t, code == want && (after == before) == (want != 0), "budget %d: %d\n%s", budget, code, after)
	}
}
