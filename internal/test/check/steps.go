package check

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
)

// Must returns v. It panics if err is not nil. Use it for a step that the test cannot do without.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Result returns v. It panics unless st is STATUS_SUCCESS. Use it for a step that the test cannot do without.
func Result[T any](v T, st ntstatus.Status) T {
	if st != ntstatus.Success {
		panic("got " + st.String() + ", want STATUS_SUCCESS")
	}
	return v
}

// Status returns the status of a call and drops its other result.
func Status[T any](_ T, st ntstatus.Status) ntstatus.Status { return st }

// Err returns the error of a call and drops its other result.
func Err[T any](_ T, err error) error { return err }

// Require ends the test with both values if got is not want. The format and its arguments name the compared value. Call
// it from the test's own goroutine.
func Require[T comparable](t testing.TB, got, want T, format string, args ...any) {
	if got != want {
		t.Helper()
		t.Fatalf(format+": %v, want %v", append(args, got, want)...)
	}
}

// DeepEqual reports an error if reflect.DeepEqual tells got from want: an empty slice is not nil.
func DeepEqual(t testing.TB, got, want any, format string, args ...any) {
	if !reflect.DeepEqual(got, want) {
		t.Helper()
		t.Errorf(format+": %v, want %v", append(args, got, want)...)
	}
}

// SlicesEqual reports an error unless both slices have the same elements in the same order. An empty slice equals nil.
func SlicesEqual[E comparable](t testing.TB, got, want []E, format string, args ...any) {
	if !slices.Equal(got, want) {
		t.Helper()
		t.Errorf(format+": %v, want %v", append(args, got, want)...)
	}
}

// ErrorIs reports an error unless errors.Is finds target in err.
func ErrorIs(t testing.TB, err, target error, format string, args ...any) {
	if !errors.Is(err, target) {
		t.Helper()
		t.Errorf(format+": %v, want %v", append(args, err, target)...)
	}
}

// given has the descriptors that children inherited at the start of the test program, so its caller left them open.
var given = func() map[int]bool {
	all := map[int]bool{}
	list, _ := os.ReadDir(ownDescriptors)
	for _, e := range list {
		if fd, err := strconv.Atoi(e.Name()); err == nil && inherited(fd) {
			all[fd] = true
		}
	}
	return all
}()

// ownDescriptors is the folder that lists the file descriptors of this program on Linux.
const ownDescriptors = "/proc/self/fd/"

// OpenDescriptors returns the number of this program's open file descriptors, with the one that lists them. It skips
// the test on a host that does not list them. A temporary file that the test program opened and
// that children would inherit is an error.
func OpenDescriptors(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir(ownDescriptors)
	if err != nil {
		t.Skip("this host does not list descriptors: ", err)
	}
	temporary := Must(filepath.EvalSymlinks(os.TempDir()))
	for _, e := range list {
		if fd, err := strconv.Atoi(e.Name()); err != nil || fd <= 2 || given[fd] || !inherited(fd) {
			continue
		}
		if file, _ := os.Readlink(ownDescriptors + e.Name()); strings.HasPrefix(file, temporary+string(filepath.Separator)) {
			t.Errorf("children inherit descriptor %s of %s", e.Name(), file)
		}
	}
	return len(list)
}
