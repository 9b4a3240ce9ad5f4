module github.com/refmon/refmon

go 1.26
