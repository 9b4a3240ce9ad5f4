package inject_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/inject"
)

// Each case makes six operations and lists those that fail.
func TestConditionsSelectOperations(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		when []inject.Condition
		want string
	}{
		{nil, "[0 1 2 3 4 5]"},
		{[]inject.Condition{inject.Kind("write")}, "[0 2 4]"},
		{[]inject.Condition{inject.Kind("write", "sync")}, "[0 1 2 3 4 5]"},
		{[]inject.Condition{inject.PathMatch("audit-*")}, "[2 3 4 5]"},
		{[]inject.Condition{inject.Kind("sync"), inject.OnIndex(1)}, "[3]"},
		{[]inject.Condition{inject.OnIndex(1), inject.Kind("write")}, "[]"},
		{[]inject.Condition{inject.PathMatch("audit-*"), inject.FromIndex(2)}, "[4 5]"},
		{[]inject.Condition{inject.PathMatch("other")}, "[]"},
	} {
		var i inject.Injector
		i.Fail(broken, c.when...)
		failed := []int{}
		for n := range 6 {
			kind, name := []string{"write", "sync"}[n%2], []string{"key", "log/audit-1"}[min(n/2, 1)]
			if err := i.Do(kind, name); errors.Is(err, broken) {
				failed = append(failed, n)
			} else if err != nil {
				t.Errorf("%d: %v", n, err)
			}
		}
		if got := fmt.Sprint(failed); got != c.want || i.Selected() != len(failed) {
			t.Errorf("%s fail, %d are selected, want %s", got, i.Selected(), c.want)
		}
	}
}
