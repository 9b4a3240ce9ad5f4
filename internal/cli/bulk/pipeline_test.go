package bulk_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/words"
)

// blocked is a source without objects whose Next calls stop and then waits for the end of the test.
type blocked struct {
	stop func()
	end  <-chan struct{}
}

func (b *blocked) Next(*objects.Batch) error {
	b.stop()
	<-b.end
	return io.EOF
}

// A run that is stopped while its source blocks ends with the error of its context, and not as if it were complete.
func TestStoppedRunDoesNotWaitForSource(t *testing.T) {
	dir, _ := sample(t, company.Sample{Seed: 1, Objects: 1, Descriptors: 1, Principals: 1, Groups: 1})
	rights := check.Must(words.Parse("read"))
	for name, do := range map[string]func(ctx context.Context, s objects.Source) error{
		"who": func(ctx context.Context, s objects.Source) error {
			r := &bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL, Source: s, Out: new(bytes.Buffer)}
			return check.Err(r.Do(ctx))
		},
		"report": func(ctx context.Context, s objects.Source) error {
			return (&bulk.Report{Title: "x", Directory: dir, Source: s}).Collect(ctx)
		},
		"diff": func(ctx context.Context, s objects.Source) error {
			d := &bulk.Diff{Directory: dir, Format: bulk.JSONL, Before: listOf(""), After: s, Out: new(bytes.Buffer)}
			return check.Err(d.Do(ctx))
		},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		check.ErrorIs(t, do(ctx, &blocked{cancel, t.Context().Done()}), context.Canceled, "%s", name)
	}
}
