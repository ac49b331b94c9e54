

def test_zones_are_the_first_of_the_letters_an_environment_names() -> None:
    assert zones("us-east-1", 2, "bcd") == ["us-east-1b", "us-east-1c"]
