package treefs_test

import (
	"errors"
	"os"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/treefs"
)

// The error of a denied call has the rule that denied this call.
func TestExplainedErrorHasRuleOfItsCall(t *testing.T) {
	w := newWorld(t)
	w.writeFile(w.fsOf(alice), "f", "")
	th := check.Must(w.p.NewThreadAs(check.Must(token.New(token.NetworkUser(sid.MustParse(bob))))))
	defer th.Close()
	his := treefs.Explained(th, "share")
	mine := check.Must(his.OpenFile("g", os.O_WRONLY|os.O_CREATE|os.O_APPEND))
	for _, c := range []struct {
		do   func() error
		rule string
	}{
		{func() error { return check.Err(his.OpenFile("f", os.O_RDONLY)) }, "F-44"},
		{func() error { return check.Err(mine.ReadAt(make([]byte, 1), 0)) }, "F-55"},
		{mine.Close, ""},
	} {
		var d *treefs.Denied
		if err := c.do(); errors.As(err, &d) != (c.rule != "") || d != nil && d.Why.Rule != c.rule {
			t.Errorf("%v, want a denial by rule %q", err, c.rule)
		}
	}
}
