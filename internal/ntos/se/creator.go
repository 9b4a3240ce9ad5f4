package se

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
)

// Creator returns the data of [access.Subject.Creator]. With kernel true all checks are skipped.
func Creator(s *access.Subject, kernel bool) *sd.Caller {
	c := s.Creator()
	c.Kernel = kernel
	return c
}
