module github.com/refmon/refmon/vectors/adapters

go 1.25.0

require github.com/cloudsoda/sddl v0.0.0-20250224235906-926454e91efc
