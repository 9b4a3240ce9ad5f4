package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/cli/bulk"
)

// example returns intro followed by the path of an example object, for a message about several. It returns "" for an
// empty path: after a resumed run the path may be unknown, because the counts include earlier runs.
func example(intro, one string) string {
	if one == "" {
		return ""
	}
	return intro + printable(one)
}

// firstError describes the first unreadable object of a run for a message.
func firstError(sum *bulk.Summary) string {
	if sum.FirstError == nil {
		return ""
	}
	return example("; the first: ", sum.FirstError.Error())
}

// conclude prints to standard error which objects a run omitted, and returns the error for its exit code: errReported
// if the run was interrupted or an object could not be read, and any other err unchanged. Without objects it says so
// and returns nil.
func conclude(std *streams, sum bulk.Summary, err error) error {
	remark(std, &sum)
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(std.err,
			"refmon: interrupted: the output has the first %d objects and not the rest\n", sum.Objects)
		return errReported
	case err != nil:
		return err
	case sum.Unreadable > 0:
		fmt.Fprintf(std.err,
			"refmon: %d of %d objects could not be read: look for \"error\" in the output%s\n",
			sum.Unreadable, sum.Objects, firstError(&sum))
		return errReported
	case sum.Objects == 0:
		fmt.Fprintln(std.err, "refmon: there are no objects")
	}
	return nil
}
