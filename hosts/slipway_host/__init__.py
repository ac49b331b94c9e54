"""What a release does on a host: files, migrations, containers, and the way back. Python 3.9, standard library only."""
