package access_test

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A malformed question is an error, and its decision denies.
func ExampleSeAccessCheck_malformed() {
	d, err := access.SeAccessCheck(nil)
	fmt.Println(d.Allowed(), errors.Is(err, access.ErrNoRequest))
	d, err = access.Check(nil, sddl.MustParse("D:"), winnt.FILE_READ_DATA, winnt.FileObject)
	fmt.Println(d.Allowed(), errors.Is(err, access.ErrNoToken))
	// Output:
	// false true
	// false true
}
