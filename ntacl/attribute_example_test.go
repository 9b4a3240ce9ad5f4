package ntacl_test

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/ntacl"
)

func ExampleDecode() {
	_, err := ntacl.Decode([]byte{9, 0})
	fmt.Println(errors.Is(err, ntacl.ErrAttribute))
	// Output: true
}
