package check_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

func TestStepsReturnTheValueOrPanic(t *testing.T) {
	if got := check.Must(1, nil) + check.Result(2, ntstatus.Success); got != 3 {
		t.Errorf("sum of the results of two steps: %d, want 3", got)
	}
	for name, step := range map[string]func(){
		"Must":   func() { check.Must(0, errors.New("failed")) },
		"Result": func() { check.Result(0, ntstatus.AccessDenied) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of a step that failed: no panic, want one", name)
				}
			}()
			step()
		}()
	}
}
