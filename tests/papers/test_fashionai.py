from fashion_lib.papers.published import FASHIONAI_VALUES, fashionai_schema, published


def test_the_attributes_are_those_that_the_papers_print():
    printed = set(published(dataset="fashionai", metric="map")["attribute"]) - {"overall"}
    assert printed == set(FASHIONAI_VALUES)


def test_all_values_are_the_papers_54():
    assert sum(FASHIONAI_VALUES.values()) == 54


def test_the_schema_has_each_attribute_with_its_values():
    schema = fashionai_schema()
    assert {attribute.name: len(attribute.values) for attribute in schema} == FASHIONAI_VALUES
    assert list(schema.names) == list(schema.local) == list(FASHIONAI_VALUES)
