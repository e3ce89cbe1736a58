import click


@click.command()
@click.option("--name", default="team")
def main(name):
    click.echo(f"hello {name} from {open('/etc/team').read().split()}")


if __name__ == "__main__":
    main()
