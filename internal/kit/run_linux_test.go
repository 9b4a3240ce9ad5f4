package kit_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/test/check"
)

// The kit kills an adapter together with the processes that it started, such as a library that hangs.
func TestRunKillsChildrenOfAdapter(t *testing.T) {
	r, errs, err := os.Pipe()
	check.NoError(t, err)
	defer r.Close()
	j := kit.NewJudge(check.Must(kit.Questions("bytes"))[:3], 1)
	err = kit.Run(context.Background(), j, errs, kit.Patience{Silence: 200 * time.Millisecond, Exit: time.Second},
		"sh", "-c", "sleep 60 & wait")
	check.That(t, errors.Is(err, kit.ErrProtocol), "got %v, want an error of the protocol", err)
	check.NoError(t, errs.Close())
	// The pipe ends when the last process that has its other end is gone.
	check.NoError(t, r.SetReadDeadline(time.Now().Add(30*time.Second)))
	_, err = io.ReadAll(r)
	check.That(t, err == nil, "standard error of the adapter's children: %v, want its end", err)
}
