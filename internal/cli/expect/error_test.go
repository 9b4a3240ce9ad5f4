package expect

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// An error without a position in the file is returned unchanged, without a line.
func TestUnlocatedErrorIsReturnedUnchanged(t *testing.T) {
	err := located([]byte("{}"), nil, errors.New("broken"))
	var e *Error
	check.That(t, errors.As(err, &e) && e.Line == 0 && err.Error() == "broken",
		"error = %+v, want it unchanged and without a line", err)
}
