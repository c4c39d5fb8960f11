module github.com/beforehand-go/beforehand

go 1.26
